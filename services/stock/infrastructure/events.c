/* From structs to envelopes. */
#include "stock/infrastructure/events.h"

#include "chassis/core/time.h"
#include "chassis/messaging/event.h"
#include "chassis/messaging/outbox.h"

static void add_items(GString *body, const StockItem *items, size_t n)
{
    ch_json_begin_array(body, "Items");
    for (size_t i = 0; i < n; i++) {
        ch_json_begin_object(body, NULL);
        ch_json_add_uuid(body, "ProductId", items[i].product_id);
        ch_json_add_integer(body, "Quantity", items[i].quantity);
        ch_json_end_object(body);
    }
    ch_json_end_array(body);
}

static ChOutboxEvent result_event(const StockResult *result, int64_t now_us)
{
    const char *failure = stock_outcome_error(result->outcome);
    const char *type = failure == NULL ? "OrderStockProcessCompletedDomainEvent"
                                       : "OrderStockProcessFailedDomainEvent";
    const StockOrder *order = result->order;
    ChUuid id = ch_uuid_new();
    GString *body = ch_event_begin(id, type, now_us);
    ch_json_add_uuid(body, "EventId", order->event_id);
    ch_json_add_uuid(body, "OrderId", order->order_id);
    add_items(body, order->items, order->n_items);
    if (failure != NULL)
        ch_json_add_text(body, "ErrorMessage", failure);
    ch_event_end(body);
    return (ChOutboxEvent){ id, type, body, order->trace };
}

bool stock_events_results(ChPg *pg, const StockResult *results, size_t n, GError **error)
{
    int64_t now_us = ch_time_now_us();
    g_autofree ChOutboxEvent *events = g_new(ChOutboxEvent, n);
    for (size_t i = 0; i < n; i++)
        events[i] = result_event(&results[i], now_us);
    return ch_outbox_add_events(pg, STOCK_EVENTS_EXCHANGE, true, events, n, error);
}

bool stock_events_releases(ChPg *pg, const StockRelease *releases, const ChTrace *traces, size_t n,
                           GError **error)
{
    int64_t now_us = ch_time_now_us();
    g_autofree ChOutboxEvent *events = g_new(ChOutboxEvent, n);
    for (size_t i = 0; i < n; i++) {
        ChUuid id = ch_uuid_new();
        GString *body = ch_event_begin(id, "StockReleasedEvent", now_us);
        ch_json_add_uuid(body, "OrderId", releases[i].order_id);
        add_items(body, releases[i].items, releases[i].n_items);
        ch_event_end(body);
        events[i] = (ChOutboxEvent){ id, "StockReleasedEvent", body, traces[i] };
    }
    return ch_outbox_add_events(pg, STOCK_EVENTS_EXCHANGE, false, events, n, error);
}
