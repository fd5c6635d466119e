/* Decoding of OrderConfirmedEvent and OrderCancelledEvent. */
#include "notification/worker/order_outcomes.h"

#include "notification/application/receive.h"

#define DEFAULT_CURRENCY "USD"
#define DEFAULT_REASON "none given"

enum {
    MAX_CURRENCY_CHARS = 16, /* ISO 4217 has 3; it is only shown */
};

static const ChDecimal MAX_TOTAL = INT64_C(999999999999) * CH_DECIMAL_ONE + 9999;

/* What the event tells, before it is put into words. */
typedef struct {
    ChDecimal total;
    const char *currency; /* belongs to the event, as the reason does */
    const char *reason;
} Told;

/* The values of every placeholder; those that the code does not have are passed over. */
static void set_values(NotificationEvent *event, const Told *told)
{
    char order_id[CH_UUID_TEXT_BYTES];
    char total[CH_DECIMAL_TEXT_BYTES];
    ch_uuid_format(event->order_id, order_id);
    ch_decimal_format(told->total, total);
    const char *const values[][2] = {
        { "OrderNumber", order_id },    { "OrderId", order_id },    { "OrderTotal", total },
        { "Currency", told->currency }, { "Reason", told->reason },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        notification_values_set(&event->values, event->code, values[i][0], values[i][1]);
}

/* The order service writes OrderTotal when it confirms; what another writes has to be a number. */
static void *decode(const ChEvent *received, NotificationCode code, ChViolations *violations)
{
    ChJsonValue data = received->data;
    ChJsonNeed total_need =
        code == NOTIFICATION_ORDER_CONFIRMED ? CH_JSON_REQUIRED : CH_JSON_OPTIONAL;
    NotificationEvent event = { .event_id = received->id, .code = code, .trace = received->trace };
    Told told = { .currency = DEFAULT_CURRENCY, .reason = DEFAULT_REASON };
    ch_json_read_uuid(data, "OrderId", CH_JSON_REQUIRED, &event.order_id, violations);
    ch_json_read_uuid(data, "CustomerId", CH_JSON_REQUIRED, &event.customer_id, violations);
    ch_json_read_decimal(data, "OrderTotal", total_need, 0, MAX_TOTAL, &told.total, violations);
    ch_json_read_text(data, "Currency", CH_JSON_OPTIONAL, 1, MAX_CURRENCY_CHARS, &told.currency,
                      violations);
    ch_json_read_text(data, "Reason", CH_JSON_OPTIONAL, 0, CH_EVENT_MAX_BYTES, &told.reason,
                      violations);
    if (ch_violations_count(violations) > 0)
        return NULL;
    if (*told.reason == '\0')
        told.reason = DEFAULT_REASON;
    set_values(&event, &told);
    return g_memdup2(&event, sizeof event);
}

void *notification_confirmed_decode(const ChEvent *event, ChViolations *violations)
{
    return decode(event, NOTIFICATION_ORDER_CONFIRMED, violations);
}

void *notification_cancelled_decode(const ChEvent *event, ChViolations *violations)
{
    return decode(event, NOTIFICATION_ORDER_CANCELLED, violations);
}

bool notification_events_handle(void *store, void *const *events, size_t n, GError **error)
{
    return notification_receive(store, (const NotificationEvent *const *)events, n, error);
}

bool notification_events_replay_blockers(void *store, void *const *events, size_t n,
                                         char **blockers, GError **error)
{
    return notification_receive_replay_blockers(store, (const NotificationEvent *const *)events, n,
                                                blockers, error);
}
