/* The admin API of the dead letters: what operators do about them, over HTTP
 * (docs/contract.md, 2.7), and nobody else: bodies hold customers' data, and acts change the world.
 */
#pragma once

#include "chassis/http/lane.h"
#include "chassis/messaging/dead_letter_admin.h"
#include "chassis/runtime/operators.h"

typedef struct ChDeadLetterApi ChDeadLetterApi;

/** Copies @admin and its consumers, borrows what they point to and @operators, who may call. */
ChDeadLetterApi *ch_dead_letter_api_new(const ChDeadLetterAdmin *admin, ChOperators *operators);

/** After the server and the lane have ended. NULL is fine. */
void ch_dead_letter_api_free(ChDeadLetterApi *api);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChDeadLetterApi, ch_dead_letter_api_free)

/** Its one lane, for a ChLane with @admin's unit of work. */
ChHttpLane *ch_dead_letter_api_lane(ChDeadLetterApi *api);

/** Its routes, for the admin listener. */
ChHttpBinding ch_dead_letter_api_binding(const ChDeadLetterApi *api);

/* What the routes of the API have in common with these: */

/** Which letters the parameters of @request ask for, and how many: 100, or 1,000 at most. False: it
 * was answered with its violations. Texts belong to @request. */
bool ch_dead_letter_api_filter(ChHttpRequest *request, ChDeadLetterFilter *filter);

/** Answers with the letter that the path names, or that there is none. Errors: as a handler's. */
bool ch_dead_letter_api_show(const ChDeadLetterAdmin *admin, ChHttpRequest *request,
                             GError **error);
