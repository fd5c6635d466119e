/* One notification after the other: support does it now and then. */
#include "notification/api/resend.h"

#include "chassis/core/log.h"
#include "chassis/http/change.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "notification/api/stores.h"

static const ChHttpProblem unsent = { "notification-unsent", 409, "Not sent yet" };
static const ChHttpProblem erased = { "notification-erased", 409, "Notification erased" };

static GString *state_json(NotificationStatus status, int64_t attempts)
{
    GString *json = g_string_sized_new(64);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "status", notification_status_name(status));
    ch_json_add_integer(json, "attempts", attempts);
    ch_json_end_object(json);
    return json;
}

static void respond_accepted(ChHttpRequest *request, ChUuid id, NotificationStatus status,
                             int64_t attempts)
{
    GString *json = g_string_sized_new(128);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", id);
    ch_json_add_text(json, "status", notification_status_name(status));
    ch_json_add_integer(json, "attempts", attempts);
    ch_json_end_object(json);
    ch_http_respond_json(request, 202, json);
}

static void respond_resent(ChHttpRequest *request, ChUuid id, const NotificationSendable *was)
{
    respond_accepted(request, id, NOTIFICATION_PENDING, was->attempts);
    ch_http_note_change(request, (ChHttpChange){
                                     .object = "notification",
                                     .id = id,
                                     .before = state_json(was->status, was->attempts),
                                     .after = state_json(NOTIFICATION_PENDING, was->attempts),
                                 });
    ch_log_warning("notification is sent again by an operator", CH_ID("notification_id", id),
                   CH_STR("by", ch_http_request_actor(request)),
                   CH_TRACE(ch_http_request_trace(request)));
}

static void respond(ChHttpRequest *request, ChUuid id, const NotificationResendOutcome *outcome)
{
    switch (outcome->result) {
    case NOTIFICATION_RESEND_DONE:
        respond_resent(request, id, &outcome->was);
        return;
    case NOTIFICATION_RESEND_ALREADY:
        respond_accepted(request, id, outcome->was.status, outcome->was.attempts);
        return;
    case NOTIFICATION_RESEND_UNKNOWN:
        ch_http_respond_problem(request, &ch_http_not_found, "there is no such notification");
        return;
    case NOTIFICATION_RESEND_UNSENT:
        ch_http_respond_problem(request, &unsent,
                                "it is being sent already, and is tried again by itself");
        return;
    case NOTIFICATION_RESEND_ERASED:
        ch_http_respond_problem(request, &erased,
                                "its texts were erased, on its customer's request or with age");
        return;
    }
}

static bool resend_one(NotificationResendStore *store, ChHttpRequest *request, GError **error)
{
    ChUuid id;
    NotificationResendOutcome outcome = { .result = NOTIFICATION_RESEND_UNKNOWN };
    if (!ch_http_param_uuid(request, "id", &id))
        id = (ChUuid){ { 0 } };
    else if (!notification_resend(store, id, &outcome, error))
        return false;
    respond(request, id, &outcome);
    return true;
}

bool notification_api_resend(void *writes, ChHttpRequest *const *requests, size_t n, GError **error)
{
    NotificationResendStore *store = ((const NotificationWrites *)writes)->resends;
    for (size_t i = 0; i < n; i++) {
        if (!resend_one(store, requests[i], error))
            return false;
    }
    return true;
}
