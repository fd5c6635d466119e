/* Sending what is due: one look-up, one round of each channel for the whole batch. */
#include "notification/application/deliver.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "notification/application/compose.h"
#include "notification/application/masking.h"
#include "notification/application/retries.h"

#include <string.h>

enum {
    GIVEN_BACK_MS = 1000, /* what no attempt was made for, such as when the circuit is open */
    /* Between looks for an address: half of the notification's age, within these. */
    MIN_CUSTOMER_WAIT_MS = 5 * 1000,
    MAX_CUSTOMER_WAIT_MS = 300 * 1000,
};

/* Which attempt of this sending it is, from 1. */
static int64_t try_of(const NotificationDelivery *delivery)
{
    return delivery->attempt - delivery->attempts_before;
}

/* An attempt failed: TRY_LATER with a growing delay, or REFUSED after the last. Takes @why. */
static void fail_attempt(NotificationDelivery *delivery, char *why)
{
    g_free(delivery->error);
    delivery->error = why;
    if (try_of(delivery) >= NOTIFICATION_MAX_ATTEMPTS) {
        delivery->verdict = NOTIFICATION_REFUSED;
        return;
    }
    delivery->verdict = NOTIFICATION_TRY_LATER;
    delivery->retry_after_ms = notification_retry_delay_ms(try_of(delivery));
}

bool notification_claim(NotificationStore *store, NotificationTemplateReads *templates, size_t max,
                        int64_t lease_ms, NotificationDelivery **deliveries, size_t *n,
                        GError **error)
{
    size_t claimed = 0;
    if (!store->ops->claim(store, max, lease_ms, deliveries, &claimed, error))
        return false;
    g_autoptr(GPtrArray) active = NULL;
    if (claimed > 0 && !templates->ops->list_active(templates, &active, error)) {
        for (size_t i = 0; i < claimed; i++)
            notification_delivery_free(deliveries[i]);
        return false;
    }
    for (size_t i = 0; i < claimed; i++)
        deliveries[i]->templates = g_ptr_array_ref(active);
    *n = claimed;
    return true;
}

/* ---- customers ---- */

/* Nobody could be asked for its customer's address. That is no attempt: an outage of hours costs
 * nobody their mail. Takes @why. */
static void wait_for_customer(NotificationDelivery *delivery, const NotificationCustomer *customer,
                              int64_t wait_ms, char *why)
{
    int64_t age_ms = (ch_time_now_us() - delivery->asked_us) / 1000;
    delivery->error = why;
    delivery->verdict = age_ms < wait_ms ? NOTIFICATION_GIVEN_BACK : NOTIFICATION_REFUSED;
    int pause_ms = (int)CLAMP(age_ms / 2, MIN_CUSTOMER_WAIT_MS, MAX_CUSTOMER_WAIT_MS);
    delivery->retry_after_ms = MAX(ch_time_jitter_ms(pause_ms), customer->retry_after_ms);
}

/* Whether it can be sent now. */
static bool compose(const NotificationGateways *gateways, NotificationDelivery *delivery,
                    const NotificationCustomer *customer)
{
    char *why = NULL;
    switch (notification_compose(delivery, customer, gateways->may_make_up, &why)) {
    case NOTIFICATION_COMPOSED:
        return true;
    case NOTIFICATION_NO_TEXT: /* an operator may put that right before the last attempt */
        fail_attempt(delivery, why);
        return false;
    case NOTIFICATION_CUSTOMER_AWAY:
        wait_for_customer(delivery, customer, gateways->customer_wait_ms, why);
        return false;
    case NOTIFICATION_NO_ADDRESS:
        delivery->verdict = NOTIFICATION_REFUSED;
        delivery->error = why;
        return false;
    }
    g_assert_not_reached();
}

/* Asks for the customers of @deliveries, each once, and composes each message. Those that can be
 * sent are moved to the front; their number is returned. */
static size_t compose_all(const NotificationGateways *gateways, NotificationDelivery **deliveries,
                          size_t n)
{
    g_autoptr(GHashTable) places = g_hash_table_new(ch_uuid_hash, ch_uuid_equal_pointers);
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree ChTrace *traces = g_new(ChTrace, n);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (g_hash_table_contains(places, &deliveries[i]->customer_id))
            continue;
        ids[distinct] = deliveries[i]->customer_id;
        traces[distinct] = ch_trace_child(deliveries[i]->trace);
        g_hash_table_insert(places, &deliveries[i]->customer_id, GSIZE_TO_POINTER(distinct));
        distinct++;
    }
    NotificationCustomers *directory = gateways->customers;
    g_autofree NotificationCustomer *customers = g_new0(NotificationCustomer, distinct);
    directory->ops->look_up(directory, ids, traces, distinct, customers);
    size_t composed = 0;
    for (size_t i = 0; i < n; i++) {
        gpointer place = g_hash_table_lookup(places, &deliveries[i]->customer_id);
        if (compose(gateways, deliveries[i], &customers[GPOINTER_TO_SIZE(place)]))
            deliveries[composed++] = deliveries[i];
    }
    for (size_t i = 0; i < distinct; i++)
        notification_customer_clear(&customers[i]);
    return composed;
}

/* ---- sending ---- */

/* Takes receipt->why. */
static void judge(NotificationDelivery *delivery, NotificationReceipt *receipt)
{
    switch (receipt->verdict) {
    case NOTIFICATION_UNDECIDED:
        g_assert_not_reached();
    case NOTIFICATION_DELIVERED:
        g_free(receipt->why);
        break;
    case NOTIFICATION_TRY_LATER:
        fail_attempt(delivery, notification_tidy_reason(receipt->why));
        delivery->retry_after_ms = MAX(delivery->retry_after_ms, receipt->retry_after_ms);
        return;
    case NOTIFICATION_GIVEN_BACK:
        delivery->retry_after_ms = MAX(GIVEN_BACK_MS, receipt->retry_after_ms);
        G_GNUC_FALLTHROUGH;
    case NOTIFICATION_REFUSED:
        delivery->error = notification_tidy_reason(receipt->why);
        break;
    }
    delivery->verdict = receipt->verdict;
}

static void give_back_paused(NotificationDelivery *delivery)
{
    delivery->verdict = NOTIFICATION_GIVEN_BACK;
    delivery->retry_after_ms = GIVEN_BACK_MS;
    delivery->error = g_strdup("an operator has paused this channel");
}

/* Without asking for the customer again: the channel that it was given back by is still paused. */
static bool is_paused(const NotificationGateways *gateways, NotificationDelivery *delivery)
{
    if (delivery->channel == NOTIFICATION_NO_CHANNEL ||
        ch_control_runs(gateways->controls[delivery->channel]))
        return false;
    give_back_paused(delivery);
    return true;
}

/* Sends those of deliveries[0..n) that go through the channel @kind. */
static void send_through(const NotificationGateways *gateways, NotificationChannelKind kind,
                         NotificationDelivery *const *deliveries, size_t n)
{
    g_autofree NotificationMessage *messages = g_new(NotificationMessage, n);
    g_autofree NotificationReceipt *receipts = g_new0(NotificationReceipt, n);
    g_autofree NotificationDelivery **sent = g_new(NotificationDelivery *, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        NotificationDelivery *delivery = deliveries[i];
        if (delivery->channel != kind)
            continue;
        messages[count] =
            (NotificationMessage){ delivery->message_id, delivery->destination, delivery->subject,
                                   delivery->body, ch_trace_child(delivery->trace) };
        sent[count++] = delivery;
    }
    if (count == 0)
        return;
    if (!ch_control_runs(gateways->controls[kind])) {
        for (size_t i = 0; i < count; i++)
            give_back_paused(sent[i]);
        return;
    }
    NotificationChannel *channel = gateways->channels[kind];
    channel->ops->send(channel, messages, count, receipts);
    for (size_t i = 0; i < count; i++)
        judge(sent[i], &receipts[i]);
}

/* One that comes back so often without a verdict may be what ends us. */
static bool is_worn_out(NotificationDelivery *delivery)
{
    if (try_of(delivery) <= NOTIFICATION_MAX_ATTEMPTS)
        return false;
    delivery->verdict = NOTIFICATION_REFUSED;
    delivery->error = g_strdup("its attempts ended without a result");
    return true;
}

bool notification_may_send(const NotificationGateways *gateways)
{
    return ch_control_runs(gateways->controls[NOTIFICATION_EMAIL]) ||
           ch_control_runs(gateways->controls[NOTIFICATION_SMS]);
}

void notification_send(const NotificationGateways *gateways,
                       NotificationDelivery *const *deliveries, size_t n)
{
    g_autofree NotificationDelivery **open = g_new(NotificationDelivery *, n);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (deliveries[i]->verdict == NOTIFICATION_UNDECIDED &&
            !is_paused(gateways, deliveries[i]) && !is_worn_out(deliveries[i]))
            open[count++] = deliveries[i];
    }
    if (count == 0)
        return;
    count = compose_all(gateways, open, count);
    send_through(gateways, NOTIFICATION_EMAIL, open, count);
    send_through(gateways, NOTIFICATION_SMS, open, count);
}

/* ---- telling ---- */

static void log_failure(ChLogLevel level, const char *message, const NotificationDelivery *delivery)
{
    g_autofree char *error = notification_without_addresses(delivery->error);
    CH_LOG_WRITE(level, message, CH_ID("order_id", delivery->order_id),
                 CH_ID("notification_id", delivery->id), CH_INT("attempt", delivery->attempt),
                 CH_STR("channel", notification_channel_name(delivery->channel)),
                 CH_STR("error", error), CH_TRACE(delivery->trace));
}

static void log_result(const NotificationDelivery *delivery)
{
    switch (delivery->verdict) {
    case NOTIFICATION_UNDECIDED:
        g_assert_not_reached();
    case NOTIFICATION_DELIVERED:
        ch_log_info("notification sent", CH_ID("order_id", delivery->order_id),
                    CH_ID("notification_id", delivery->id),
                    CH_STR("channel", notification_channel_name(delivery->channel)),
                    CH_STR("customer_source", delivery->fallback ? "fallback" : "service"),
                    CH_INT("attempt", delivery->attempt), CH_TRACE(delivery->trace));
        return;
    case NOTIFICATION_REFUSED:
        log_failure(CH_LOG_ERROR, "notification failed", delivery);
        return;
    case NOTIFICATION_TRY_LATER:
        log_failure(CH_LOG_WARNING, "notification is tried again later", delivery);
        return;
    case NOTIFICATION_GIVEN_BACK:
        log_failure(CH_LOG_DEBUG, "notification waits", delivery);
        return;
    }
}

void notification_log_results(NotificationDelivery *const *deliveries, size_t n)
{
    ch_log_hold();
    for (size_t i = 0; i < n; i++)
        log_result(deliveries[i]);
    ch_log_release();
}
