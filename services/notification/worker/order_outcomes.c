/* Decoding of OrderConfirmedEvent and OrderCancelledEvent. */
#include "notification/worker/order_outcomes.h"

#include "chassis/core/currency.h"
#include "chassis/json/json_read.h"
#include "notification/application/receive.h"

#define DEFAULT_CURRENCY "USD"
#define DEFAULT_REASON "none given"

enum {
    /* ISO 4217 has 3. What is none of its currencies is shown as it came: an odd currency must not
     * cost a customer the mail. */
    MAX_CURRENCY_CHARS = 16,
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
    ch_decimal_format_with(told->total, MAX(ch_currency_digits(told->currency), 0), total);
    const char *const values[][2] = {
        { "OrderNumber", order_id },    { "OrderId", order_id },    { "OrderTotal", total },
        { "Currency", told->currency }, { "Reason", told->reason },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        notification_values_set(&event->values, event->code, values[i][0], values[i][1]);
}

static const ChCommandType command_type = { "NotificationEvent", notification_event_free };

/* The order service writes OrderTotal when it confirms; what another writes has to be a number. */
static ChCommand decode(const ChEvent *received, NotificationCode code, ChViolations *violations)
{
    ChJsonValue data = received->data;
    ChJsonNeed total_need =
        code == NOTIFICATION_ORDER_CONFIRMED ? CH_JSON_REQUIRED : CH_JSON_OPTIONAL;
    NotificationEvent event = {
        .event_id = received->id,
        .told_as = received->told_as,
        .code = code,
        .trace = received->trace,
    };
    Told told = { .currency = DEFAULT_CURRENCY, .reason = DEFAULT_REASON };
    ch_json_read_uuid(data, "OrderId", CH_JSON_REQUIRED, &event.order_id, violations);
    ch_json_read_uuid(data, "CustomerId", CH_JSON_REQUIRED, &event.customer_id, violations);
    ch_json_read_decimal(data, "OrderTotal", total_need, 0, MAX_TOTAL, &told.total, violations);
    ch_json_read_text(data, "Currency", CH_JSON_OPTIONAL, 1, MAX_CURRENCY_CHARS, &told.currency,
                      violations);
    ch_json_read_text(data, "Reason", CH_JSON_OPTIONAL, 0, CH_EVENT_MAX_BYTES, &told.reason,
                      violations);
    if (ch_violations_count(violations) > 0)
        return (ChCommand){ NULL, NULL };
    if (*told.reason == '\0')
        told.reason = DEFAULT_REASON;
    set_values(&event, &told);
    return (ChCommand){ &command_type, g_memdup2(&event, sizeof event) };
}

static ChCommand decode_confirmed(const ChEvent *event, ChViolations *violations)
{
    return decode(event, NOTIFICATION_ORDER_CONFIRMED, violations);
}

static ChCommand decode_cancelled(const ChEvent *event, ChViolations *violations)
{
    return decode(event, NOTIFICATION_ORDER_CANCELLED, violations);
}

static bool handle(void *store, const ChCommand *commands, size_t n, GError **error)
{
    g_autofree const NotificationEvent **events = ch_commands_values(commands, n, &command_type);
    return notification_receive(store, events, n, error);
}

static bool replay_blockers(void *store, const ChCommand *commands, size_t n, char **blockers,
                            GError **error)
{
    g_autofree const NotificationEvent **events = ch_commands_values(commands, n, &command_type);
    return notification_receive_replay_blockers(store, events, n, blockers, error);
}

static bool set_apart(void *opaque, ChUuid id, GError **error)
{
    NotificationStore *store = opaque;
    return store->ops->set_apart(store, &id, 1, error);
}

ChSubscriptionConfig notification_confirmed_subscription(const ChQueue *queue,
                                                         NotificationStore *store)
{
    return (ChSubscriptionConfig){
        .queue = queue,
        .event_type = notification_code_info(NOTIFICATION_ORDER_CONFIRMED)->event_type,
        .decode = decode_confirmed,
        .handle = handle,
        .replay_blockers = replay_blockers,
        .set_apart = set_apart,
        .context = store,
    };
}

ChSubscriptionConfig notification_cancelled_subscription(const ChQueue *queue,
                                                         NotificationStore *store)
{
    ChSubscriptionConfig config = notification_confirmed_subscription(queue, store);
    config.event_type = notification_code_info(NOTIFICATION_ORDER_CANCELLED)->event_type;
    config.decode = decode_cancelled;
    return config;
}
