/* Routes of the dead letters. */
#include "chassis/runtime/dead_letter_api.h"

#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "chassis/runtime/admin_act.h"
#include "chassis/runtime/dead_letter_json.h"

#include <string.h>

enum {
    MAX_WAITING = 64, /* as many as the admin listener has connections */
    DEFAULT_LIMIT = 100,
    MAX_LIMIT = 1000,
    MAX_NAME_CHARS = 255, /* of a queue or a type in AMQP */
};

struct ChDeadLetterApi {
    ChDeadLetterAdmin admin;
    ChOperators *operators;
    ChWrongTokens wrong_tokens; /* the lane's thread */
    ChHttpLane *lane;
};

static const ChHttpProblem not_replayed = { "dead-letter-not-replayed", 409, "Not replayed" };
static const ChHttpProblem not_discarded = { "dead-letter-not-discarded", 409, "Not discarded" };

static bool may_act(ChDeadLetterApi *api, ChHttpRequest *request)
{
    return ch_operators_admit(api->operators, request, &api->wrong_tokens);
}

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such dead letter");
}

/* ---- reading ---- */

static void read_state(const ChHttpRequest *request, ChDeadLetterFilter *filter,
                       ChViolations *violations)
{
    const char *name;
    if (!ch_http_query_text(request, "state", MAX_NAME_CHARS, &name, violations))
        return;
    filter->has_state = ch_dead_letter_state_parse(name, &filter->state);
    if (!filter->has_state)
        ch_violations_add(violations, "state", "must be waiting, replayed or discarded");
}

bool ch_dead_letter_api_filter(ChHttpRequest *request, ChDeadLetterFilter *filter)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *filter = (ChDeadLetterFilter){ .limit = DEFAULT_LIMIT };
    ch_http_query_text(request, "queue", MAX_NAME_CHARS, &filter->queue, violations);
    ch_http_query_text(request, "type", MAX_NAME_CHARS, &filter->message_type, violations);
    ch_http_query_integer(request, "limit", 1, MAX_LIMIT, &filter->limit, violations);
    ch_http_page_cursor(request, &filter->after, violations);
    ch_http_query_uuid(request, "subject", &filter->subject, violations);
    read_state(request, filter, violations);
    ch_http_query_time(request, "since", &filter->since_us, violations);
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

static bool list_some(const ChDeadLetterApi *api, ChHttpRequest *request, GError **error)
{
    ChDeadLetterFilter filter;
    if (!ch_dead_letter_api_filter(request, &filter))
        return true;
    size_t limit = (size_t)filter.limit++;
    g_autoptr(GPtrArray) letters = NULL;
    if (!ch_dead_letter_list(api->admin.pg, &filter, &letters, error))
        return false;
    ch_http_respond_json(request, 200, ch_dead_letter_page_json(request, letters, limit));
    return true;
}

bool ch_dead_letter_api_show(const ChDeadLetterAdmin *admin, ChHttpRequest *request, GError **error)
{
    ChUuid id;
    g_autoptr(ChDeadLetter) letter = NULL;
    g_autofree char *blocker = NULL;
    if (ch_http_param_uuid(request, "id", &id) &&
        !ch_dead_letter_find(admin->pg, id, false, &letter, error))
        return false;
    if (letter == NULL) {
        respond_unknown(request);
        return true;
    }
    if (!ch_dead_letter_replay_blocker(admin, letter, &blocker, error))
        return false;
    ch_http_respond_json(request, 200, ch_dead_letter_json(letter, blocker));
    return true;
}

/* ---- acting ---- */

/* False: the request was answered. */
static bool read_action(ChHttpRequest *request, ChAdminAct *act, ChDeadLetterAction *action)
{
    if (!ch_http_param_uuid(request, "id", &action->id)) {
        respond_unknown(request);
        return false;
    }
    if (!ch_admin_act_read(request, act))
        return false;
    action->by = act->by;
    action->why = act->why;
    action->dry_run = act->dry_run;
    action->as = ch_http_request_actor(request);
    return true;
}

static void respond_done(ChHttpRequest *request, const ChDeadLetterAction *action)
{
    GString *json = g_string_sized_new(128);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", action->id);
    ch_json_add_text(json, "act", ch_dead_letter_state_name(action->act));
    ch_json_add_bool(json, "dryRun", action->dry_run);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}

static bool act_on_one(const ChDeadLetterApi *api, ChHttpRequest *request, ChDeadLetterState act,
                       GError **error)
{
    g_auto(ChAdminAct) said = { .json = NULL };
    ChDeadLetterAction action = { .act = act, .trace = ch_http_request_trace(request) };
    ChDeadLetterOutcome outcome = { CH_DEAD_LETTER_UNKNOWN, NULL };
    if (!read_action(request, &said, &action))
        return true;
    if (!ch_dead_letter_act(&api->admin, &action, &outcome, error))
        return false;
    g_autofree char *why = outcome.why;
    switch (outcome.result) {
    case CH_DEAD_LETTER_DONE:
        ch_admin_act_note(request, &said, "dead-letter", action.id, "state",
                          ch_dead_letter_state_name(CH_DEAD_LETTER_WAITING),
                          ch_dead_letter_state_name(act));
        respond_done(request, &action);
        break;
    case CH_DEAD_LETTER_UNKNOWN:
        respond_unknown(request);
        break;
    case CH_DEAD_LETTER_REFUSED:
        ch_http_respond_problem(
            request, act == CH_DEAD_LETTER_REPLAYED ? &not_replayed : &not_discarded, "%s", why);
        break;
    }
    return true;
}

/* ---- routes ---- */

static bool list(void *api, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (may_act(api, requests[i]) && !list_some(api, requests[i], error))
            return false;
    }
    return true;
}

static bool show(void *opaque, ChHttpRequest *const *requests, size_t n, GError **error)
{
    ChDeadLetterApi *api = opaque;
    for (size_t i = 0; i < n; i++) {
        if (may_act(api, requests[i]) && !ch_dead_letter_api_show(&api->admin, requests[i], error))
            return false;
    }
    return true;
}

static bool replay(void *api, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (may_act(api, requests[i]) &&
            !act_on_one(api, requests[i], CH_DEAD_LETTER_REPLAYED, error))
            return false;
    }
    return true;
}

static bool discard(void *api, ChHttpRequest *const *requests, size_t n, GError **error)
{
    for (size_t i = 0; i < n; i++) {
        if (may_act(api, requests[i]) &&
            !act_on_one(api, requests[i], CH_DEAD_LETTER_DISCARDED, error))
            return false;
    }
    return true;
}

enum {
    LANE,
};

static const ChHttpLaneKind lanes[] = { [LANE] = { "dead letters", "ChDeadLetterApi" } };

static const ChHttpRoute routes[] = {
    { "GET", "/dead-letters", "listDeadLetters", LANE, 0, list,
      "cursor, limit, queue, since, state, subject, type", CH_HTTP_OWN_RULE },
    { "GET", "/dead-letters/{id}", "getDeadLetter", LANE, 0, show, "", CH_HTTP_OWN_RULE },
    { "POST", "/dead-letters/{id}/replay", "replayDeadLetter", LANE, 0, replay, "",
      CH_HTTP_OWN_RULE },
    { "POST", "/dead-letters/{id}/discard", "discardDeadLetter", LANE, 0, discard, "",
      CH_HTTP_OWN_RULE },
};

static const ChHttpRouteTable table = {
    .routes = routes,
    .routes_n = G_N_ELEMENTS(routes),
    .lanes = lanes,
    .lanes_n = G_N_ELEMENTS(lanes),
};

/* ---- life ---- */

ChDeadLetterApi *ch_dead_letter_api_new(const ChDeadLetterAdmin *admin, ChOperators *operators)
{
    ChDeadLetterApi *api = g_new0(ChDeadLetterApi, 1);
    api->admin = *admin;
    api->admin.consumers =
        g_memdup2(admin->consumers, admin->consumers_n * sizeof *admin->consumers);
    api->operators = operators;
    api->lane = ch_http_lane_new(lanes[LANE].name, MAX_WAITING, api);
    return api;
}

void ch_dead_letter_api_free(ChDeadLetterApi *api)
{
    if (api == NULL)
        return;
    ch_http_lane_free(api->lane);
    g_free((void *)api->admin.consumers);
    g_free(api);
}

ChHttpLane *ch_dead_letter_api_lane(ChDeadLetterApi *api)
{
    return api->lane;
}

ChHttpBinding ch_dead_letter_api_binding(const ChDeadLetterApi *api)
{
    return (ChHttpBinding){ .table = &table, .lanes = &api->lane };
}
