/* The envelope reader, and the decoders of every event behind it. Input: the traceparent header, a
 * zero byte, the body. */
#include "fuzz.h"
#include "json_tree.h"

#include "chassis/messaging/event.h"
#include "notification/application/notifications.h"
#include "notification/worker/order_outcomes.h"
#include "order/application/compare.h"
#include "order/application/orders.h"
#include "order/worker/digests.h"
#include "order/worker/stock_results.h"
#include "stock/application/stock.h"
#include "stock/worker/orders.h"

#include <string.h>

enum {
    /* The document, 16 times its bytes, and once more when Data is a string. */
    MAX_HEAP_FACTOR = 32,
    HEAP_ALLOWANCE = 4096,
    MAX_FAULT_BYTES = 160,
};

/* ---- the envelope ---- */

static const json_t *their_member(const json_t *object, const char *name)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)object, key, value)
    {
        if (g_ascii_strcasecmp(key, name) == 0)
            return value;
    }
    return NULL;
}

static void check_against_jansson(const ChEvent *event, const char *body, size_t bytes)
{
    bool is_limit = false;
    json_t *theirs = fuzz_json_theirs(body, bytes, &is_limit);
    g_assert_true(theirs != NULL || is_limit);
    if (theirs != NULL) {
        const json_t *id = their_member(theirs, "EventId");
        const json_t *type = their_member(theirs, "EventType");
        const json_t *data = their_member(theirs, "Data");
        char text[CH_UUID_TEXT_BYTES];
        ch_uuid_format(event->id, text);
        g_assert_cmpint(g_ascii_strcasecmp(json_string_value(id), text), ==, 0);
        g_assert_cmpstr(event->type, ==, json_string_value(type));
        if (event->inner == NULL)
            fuzz_json_assert_same(event->data, data);
        else
            g_assert_true(json_is_string(data));
    }
    json_decref(theirs);
}

static void check_trace(const ChEvent *event, const char *traceparent)
{
    ChTrace parent = { .flags = 0 };
    g_assert_true(ch_trace_is_set(event->trace));
    if (!ch_trace_parse(traceparent, &parent))
        return;
    g_assert_cmpmem(parent.trace_id, 16, event->trace.trace_id, 16);
    g_assert_cmpint(memcmp(parent.span_id, event->trace.span_id, 8), !=, 0);
}

static bool is_written_by_us(const char *name)
{
    return g_ascii_strcasecmp(name, "Id") == 0 || g_ascii_strcasecmp(name, "OccurredOn") == 0;
}

/* The event as we would send it is the event that was received. */
static void check_rewriting(const ChEvent *event)
{
    GString *body = ch_event_begin(event->id, event->type, 0);
    size_t members = 2;
    for (ChJsonValue member = ch_json_first(event->data); ch_json_is_set(member);
         member = ch_json_next(member)) {
        if (is_written_by_us(ch_json_name(member)))
            continue;
        ch_json_add_name(body, ch_json_name(member));
        fuzz_json_write(body, NULL, member);
        members++;
    }
    ch_event_end(body);
    g_autoptr(GError) error = NULL;
    g_autoptr(ChEvent) again = ch_event_parse(body->str, body->len, NULL, &error);
    /* Data that came as a string may be one level too deep now. */
    if (again == NULL) {
        g_assert_nonnull(strstr(error->message, "is nested more than "));
    } else {
        g_assert_true(ch_uuid_equal(event->id, again->id));
        g_assert_cmpstr(event->type, ==, again->type);
        g_assert_cmpuint(ch_json_length(again->data), ==, members);
    }
    g_string_free(body, TRUE);
}

/* ---- the decoders ---- */

static void check_stock_order(const void *command)
{
    const StockOrder *order = command;
    g_assert_true(order->n_items >= 1 && order->n_items <= STOCK_MAX_ITEMS);
    for (size_t i = 0; i < order->n_items; i++) {
        const StockItem *item = &order->items[i];
        g_assert_true(item->quantity >= 1 &&
                      item->quantity <= STOCK_MAX_QUANTITY * STOCK_MAX_ITEMS);
        g_assert_true(i == 0 || ch_uuid_compare(item[-1].product_id, item->product_id) < 0);
    }
}

static void check_stock_result(const void *command)
{
    const OrderStockResult *result = command;
    g_assert_true(result->taken == (result->reason == NULL));
    if (result->reason == NULL)
        return;
    g_assert_true(g_utf8_validate(result->reason, -1, NULL));
    g_assert_cmpint(g_utf8_strlen(result->reason, -1), <=, ORDER_MAX_REASON_CHARS);
    g_assert_true(*result->reason != '\0');
}

/* Whatever the cells hold, what is read from them fits. */
static void check_digest(const void *command)
{
    const OrderDigest *digest = command;
    ChDigest cells = digest->digest;
    ChDigestItem items[CH_DIGEST_CELLS];
    size_t n = 0;
    g_assert_true(digest->teller < ORDER_TOLD_N);
    (void)ch_digest_read(&cells, items, &n);
    g_assert_true(n <= CH_DIGEST_CELLS);
}

static void check_notification(const void *command)
{
    const NotificationEvent *event = command;
    const NotificationCodeInfo *info = notification_code_info(event->code);
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && info->placeholders[i] != NULL; i++) {
        const char *value = event->values.text[i];
        bool comes_later = strcmp(info->placeholders[i], "CustomerName") == 0;
        g_assert_true((value == NULL) == comes_later);
        if (value == NULL)
            continue;
        g_assert_true(*value != '\0' && g_utf8_validate(value, -1, NULL));
        g_assert_cmpint(g_utf8_strlen(value, -1), <=, NOTIFICATION_MAX_VALUE_CHARS);
    }
}

/* A command, or violations that say why not: never both, never neither. @check may be NULL. */
static void check_decoder(const ChEvent *event, ChSubscriptionConfig config,
                          void (*check)(const void *command))
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChCommand command = config.decode(event, violations);
    g_assert_true((command.value == NULL) == (ch_violations_count(violations) > 0));
    g_autofree char *text = ch_violations_text(violations);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    if (command.value != NULL && check != NULL)
        check(command.value);
    ch_command_free(command);
}

static void check_decoders(const ChEvent *event)
{
    check_decoder(event, stock_created_subscription(NULL, NULL), check_stock_order);
    check_decoder(event, stock_cancelled_subscription(NULL, NULL), NULL);
    check_decoder(event, order_stock_completed_subscription(NULL, NULL), check_stock_result);
    check_decoder(event, order_stock_failed_subscription(NULL, NULL), check_stock_result);
    check_decoder(event, order_digests_subscription(NULL, NULL), check_digest);
    check_decoder(event, notification_confirmed_subscription(NULL, NULL), check_notification);
    check_decoder(event, notification_cancelled_subscription(NULL, NULL), check_notification);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    g_autofree char *traceparent = fuzz_text(&input);
    g_autofree uint8_t *body = fuzz_rest(&input, &n);
    g_autoptr(GError) error = NULL;
    size_t heap_before = fuzz_heap_bytes();
    g_autoptr(ChEvent) event = ch_event_parse(body, n, traceparent, &error);
    g_assert_cmpuint(fuzz_heap_bytes() - heap_before, <=, MAX_HEAP_FACTOR * n + HEAP_ALLOWANCE);
    if (event == NULL) {
        fuzz_assert_error(error, CH_ERROR_FAILED, MAX_FAULT_BYTES);
        g_assert_true(g_str_has_prefix(error->message, "not an event: "));
        return 0;
    }
    g_assert_false(ch_uuid_is_nil(event->id));
    g_assert_cmpint(ch_json_kind(event->data), ==, CH_JSON_OBJECT);
    check_trace(event, traceparent);
    check_against_jansson(event, (const char *)body, n);
    check_rewriting(event);
    check_decoders(event);
    return 0;
}
