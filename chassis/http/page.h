/* Pages of lists that are read by keyset: {"items": [...], "nextCursor": "..."}. A cursor says
 * where its page ended and which query it belongs to: under another one it would skip or repeat. */
#pragma once

#include "chassis/core/page.h"
#include "chassis/core/uuid.h"
#include "chassis/core/violations.h"
#include "chassis/http/request.h"

#include <glib.h>
#include <stddef.h>

enum {
    CH_HTTP_CURSOR_BYTES = 2 * (16 + 8) + 1, /* hexadecimal: an id, a hash of the query, a zero */
};

/** The row that the page before this one ended at. True when there is a cursor, and it is one of
 * this query; any other is a violation, and *last untouched. */
bool ch_http_page_cursor(const ChHttpRequest *request, ChUuid *last, ChViolations *violations);

/** Writes the cursor of a page of @request that ends at the row @last. */
void ch_http_page_cursor_after(const ChHttpRequest *request, ChUuid last,
                               char text[CH_HTTP_CURSOR_BYTES]);

/** Rows that are told apart by a number of 1 or more have it as the end of an id. */
ChUuid ch_http_page_id(int64_t number);

/** The numbers of a page of such rows lie above *after and below *before. */
void ch_http_page_numbers(const ChPage *page, int64_t *after, int64_t *before);

/** Writes one row as a JSON value of an array; returns its id, from which the next page goes on. */
typedef ChUuid (*ChHttpWriteRow)(GString *json, const void *row);

/** The page of the first @limit (at least 1) of @rows. There is a next one, and a nextCursor, when
 * @rows holds more than that: ask the store for one row more than the client did. New; the caller
 * owns it. */
GString *ch_http_page(const ChHttpRequest *request, const GPtrArray *rows, size_t limit,
                      ChHttpWriteRow write_row);

/** Adds Link: rel="next" (RFC 8288) to an answer that ends at the row @last and has more behind it:
 * the same query, of @limit rows. Call after ch_http_respond_*(). */
void ch_http_respond_next(ChHttpRequest *request, ChUuid last, size_t limit);

/** Answers 200 with ch_http_page(), and Link where there is a next one. */
void ch_http_respond_page(ChHttpRequest *request, const GPtrArray *rows, size_t limit,
                          ChHttpWriteRow write_row);

/** A list: how its requests are read, what they ask for, how its rows look. A constant. */
typedef struct {
    size_t query_bytes; /* of the struct that `read` fills */
    int64_t default_limit;
    int64_t max_limit;
    /* Fills @query, which is zero, with what chooses the rows of @page; faults become violations.
     * False: the request was answered, or will be with its violations. */
    bool (*read)(ChHttpRequest *request, const ChPage *page, void *query, ChViolations *violations);
    /* pages[i]: a new array of what queries[i] (of `read`) asks for, which frees its rows; NULL
     * when what the path names is not there (then there is a respond_unknown). @context: the
     * lane's. */
    bool (*ask)(void *context, const void *queries, size_t n, GPtrArray **pages, GError **error);
    ChHttpWriteRow write_row;
    /* Answers 404 when what the path names is not there. NULL: it always is. */
    void (*respond_unknown)(ChHttpRequest *request);
    bool has_rows; /* what is there has a row at least: without any it is not there */
    /* Answers with the first @limit of @rows. NULL: ch_http_respond_page(). */
    void (*respond)(ChHttpRequest *request, const GPtrArray *rows, size_t limit);
} ChHttpList;

/** A ChHttpHandler but for its first argument: keeps the requests that are valid, asks once for all
 * of them, and answers each. */
bool ch_http_list(const ChHttpList *list, void *context, ChHttpRequest *const *requests, size_t n,
                  GError **error);
