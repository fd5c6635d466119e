/* The admin API of the dead letters: what operators do about them, over HTTP
 * (docs/contract.md, 2.7). Whoever calls it must know the token: bodies hold customers' data, and
 * acts change the world. */
#pragma once

#include "chassis/http/queue.h"
#include "chassis/http/router.h"
#include "chassis/messaging/dead_letter_admin.h"

typedef struct ChDeadLetterApi ChDeadLetterApi;

enum {
    CH_DEAD_LETTER_ROUTES = 4,
    CH_ADMIN_TOKEN_MIN_CHARS = 16,
};

/** Copies @admin and its consumers, borrows what they point to. @token: what a caller must send,
 * borrowed; "" : nobody may call. */
ChDeadLetterApi *ch_dead_letter_api_new(const ChDeadLetterAdmin *admin, const char *token);

/** After the server and the lane have ended. NULL is fine. */
void ch_dead_letter_api_free(ChDeadLetterApi *api);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChDeadLetterApi, ch_dead_letter_api_free)

/** Where its requests wait for the lane of @admin, whose handler is ch_http_queue_handle(). */
ChHttpQueue *ch_dead_letter_api_queue(ChDeadLetterApi *api);

/** Fills in its routes, for the admin listener. */
void ch_dead_letter_api_routes(ChDeadLetterApi *api, ChHttpRoute routes[CH_DEAD_LETTER_ROUTES]);
