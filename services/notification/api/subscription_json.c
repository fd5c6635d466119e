/* Reading and writing subscriptions. */
#include "notification/api/subscription_json.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"

/* ---- in ---- */

static void read_event(ChJsonValue value, NotificationSubscription *subscription,
                       ChViolations *violations)
{
    const char *type = ch_json_text(value, NULL);
    NotificationCode code =
        type != NULL ? notification_code_of_webhook(type) : NOTIFICATION_CODES_N;
    if (code == NOTIFICATION_CODES_N)
        ch_json_violation(value, NULL, violations, "must be order.confirmed or order.cancelled");
    else if (subscription->events[code])
        ch_json_violation(value, NULL, violations, "is there twice");
    else
        subscription->events[code] = true;
}

static void read_members(ChJsonValue root, NotificationSubscription *subscription,
                         ChViolations *violations)
{
    const char *url = NULL, *secret = NULL;
    ch_json_read_text(root, "url", CH_JSON_REQUIRED, 1, NOTIFICATION_MAX_URL_CHARS, &url,
                      violations);
    ch_json_read_text(root, "secret", CH_JSON_OPTIONAL, 1, NOTIFICATION_MAX_SECRET_CHARS, &secret,
                      violations);
    ch_json_read_bool(root, "isActive", CH_JSON_OPTIONAL, &subscription->is_active, violations);
    ChJsonValue events =
        ch_json_read_array(root, "events", CH_JSON_REQUIRED, 1, NOTIFICATION_CODES_N, violations);
    for (ChJsonValue event = ch_json_first(events); ch_json_is_set(event);
         event = ch_json_next(event))
        read_event(event, subscription, violations);
    subscription->url = g_strdup(url);
    subscription->secret = g_strdup(secret);
}

NotificationSubscription *notification_api_read_subscription(ChHttpRequest *request, ChUuid id)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    g_autoptr(NotificationSubscription) subscription = g_new0(NotificationSubscription, 1);
    subscription->id = id;
    subscription->is_active = true;
    if (json != NULL) {
        read_members(ch_json_root(json), subscription, violations);
        notification_subscription_check(subscription, violations);
    }
    if (ch_violations_count(violations) == 0)
        return g_steal_pointer(&subscription);
    ch_http_respond_violations(request, violations);
    return NULL;
}

/* ---- out ---- */

void notification_api_write_subscription(GString *json,
                                         const NotificationSubscription *subscription,
                                         const char *secret)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", subscription->id);
    ch_json_add_text(json, "url", subscription->url);
    ch_json_begin_array(json, "events");
    for (NotificationCode code = 0; code < NOTIFICATION_CODES_N; code++) {
        if (subscription->events[code])
            ch_json_add_text(json, NULL, notification_code_info(code)->webhook_type);
    }
    ch_json_end_array(json);
    if (secret != NULL)
        ch_json_add_text(json, "secret", secret);
    ch_json_add_bool(json, "isActive", subscription->is_active);
    if (subscription->disabled_reason != NULL)
        ch_json_add_text(json, "disabledReason", subscription->disabled_reason);
    if (subscription->failing_since_us != 0)
        ch_json_add_time(json, "failingSince", subscription->failing_since_us);
    if (subscription->last_error != NULL)
        ch_json_add_text(json, "lastError", subscription->last_error);
    ch_json_add_time(json, "createdAt", subscription->created_us);
    ch_json_add_time(json, "updatedAt", subscription->updated_us);
    ch_json_end_object(json);
}

void notification_api_write_webhook(GString *json, const NotificationWebhookEntry *entry)
{
    bool is_final = entry->status == NOTIFICATION_SENT || entry->status == NOTIFICATION_FAILED;
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", entry->event_id);
    ch_json_add_text(json, "event", notification_code_info(entry->code)->webhook_type);
    ch_json_add_uuid(json, "orderId", entry->order_id);
    ch_json_add_text(json, "status", notification_status_name(entry->status));
    ch_json_add_integer(json, "attempts", entry->attempts);
    if (entry->http_status != 0)
        ch_json_add_integer(json, "httpStatus", entry->http_status);
    if (entry->error != NULL)
        ch_json_add_text(json, "error", entry->error);
    ch_json_add_text(json, "traceId", entry->trace_id);
    ch_json_add_time(json, "createdAt", entry->created_us);
    ch_json_add_time(json, "updatedAt", entry->updated_us);
    if (!is_final)
        ch_json_add_time(json, "dueAt", entry->due_us);
    if (entry->sent_us != 0)
        ch_json_add_time(json, "sentAt", entry->sent_us);
    ch_json_end_object(json);
}

void notification_api_respond_no_subscription(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such subscription");
}
