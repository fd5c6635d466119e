/* How often a caller may ask: a rate of reads (GET, HEAD) and one of writes for each subject of a
 * token or, where nobody is asked for one, for each address. And how often an address, and all of
 * them together, may bring a token that is none.
 *
 * Any thread. */
#pragma once

#include "chassis/http/buckets.h"
#include "chassis/http/request_life.h"

typedef struct ChHttpLimits ChHttpLimits;

/** A rate of 0 a second is none. */
typedef struct {
    ChHttpRate reads;
    ChHttpRate writes;
    bool by_address; /* those without a token are limited, too */
} ChHttpLimitsConfig;

ChHttpLimits *ch_http_limits_new(const ChHttpLimitsConfig *config);
void ch_http_limits_free(ChHttpLimits *limits); /* NULL is fine */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHttpLimits, ch_http_limits_free)

/** Whether a handler may see @request, whose caller is known by now if he ever is. False: it was
 * answered 429. Counts a request once, however often its batch runs. @limits NULL: there are none.
 */
bool ch_http_limits_admit(ChHttpLimits *limits, ChHttpRequest *request);

/** Whether a token that nobody knows is looked at: false, when the address of @request or all
 * addresses together brought too many that were none. */
bool ch_http_limits_hears(ChHttpLimits *limits, const ChHttpRequest *request);

/** Answers @request, whose token was not looked at, 429. */
void ch_http_limits_respond_unheard(ChHttpLimits *limits, ChHttpRequest *request);

/** The address of @request brought a token that is none. */
void ch_http_limits_wrong_token(ChHttpLimits *limits, const ChHttpRequest *request);

/** Puts what is left of its caller's rate on the answer of @request, where there is one. */
void ch_http_limits_tell(ChHttpRequest *request);

enum {
    /* A check of a signature takes 20 to 70 us: at this rate an address takes 0.1 % of a processor.
     */
    CH_HTTP_WRONG_TOKENS_PER_SECOND = 10,
    CH_HTTP_WRONG_TOKENS_BURST = 100, /* an office whose tokens have expired */
    /* Of all addresses together, and as many at once: a tenth of a processor. */
    CH_HTTP_ALL_WRONG_TOKENS_PER_SECOND = 1000,
};
