/* Who asks, as a verified token says it. Read-only and shared by all who look at it. */
#pragma once

#include <glib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    _Atomic int references;
    char *subject;   /* the claim "sub": printable, never empty */
    uint64_t number; /* the subject as a number: no two that somebody can find have the same */
    char *owner;     /* whose things are the caller's own: the claim that the settings name; "" when
                      * the token has none */
    uint64_t scopes; /* see chassis/identity/scopes.h */
    int64_t until_s; /* Unix; the token is good until then */
    char *token_id;  /* the claim "jti", or a digest of a token without one; NULL: not set */
    char *roles;     /* that the token names and we know, separated by spaces; NULL: none */
} ChCaller;

/** With one reference; copies the texts. What is not given may be set before others know of it. */
ChCaller *ch_caller_new(const char *subject, const char *owner, uint64_t scopes, int64_t until_s);
ChCaller *ch_caller_ref(ChCaller *caller);
void ch_caller_unref(ChCaller *caller); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChCaller, ch_caller_unref)
