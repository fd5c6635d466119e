/* From a base to what it is part of, checked.
 *
 * A base (a source, a unit of work, a store's port) is a struct whose member `ops` points to a
 * table of functions, and which is embedded as the member `base` of what fills it. The table tells
 * what it is, so a function of that table may go back to the whole:
 *
 *     typedef struct { ChSource base; ... } Ticker;
 *     static const ChSourceOps ticker_ops;
 *     Ticker *ticker = CH_CAST(Ticker, source, &ticker_ops); */
#pragma once

#include <glib.h>
#include <stddef.h>

/** The @type whose member `base` is *@pointer; asserts that it is one of those with @expected_ops.
 */
#define CH_CAST(type, pointer, expected_ops)                                                       \
    ((type *)(void *)((char *)(1 ? (pointer) : &((type *)NULL)->base) - offsetof(type, base) +     \
                      ch_cast_check((pointer)->ops == (expected_ops), #type)))

/** 0, or the end of the process: a pointer to something else was handed in. */
static inline size_t ch_cast_check(int is_one, const char *type)
{
    if (G_UNLIKELY(!is_one))
        g_error("cast: this is no %s", type);
    return 0;
}
