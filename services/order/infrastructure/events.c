/* From structs to envelopes. */
#include "order/infrastructure/events.h"

#include "chassis/core/time.h"
#include "chassis/messaging/event.h"
#include "chassis/messaging/outbox.h"

/* An order enters a status once, so its event has an id that follows from the two: announced again
 * it is the same event to every consumer. Version 8 of RFC 9562: ours, told from ids of time. */
static ChUuid event_id(ChUuid order_id, OrderStatus status)
{
    ChUuid id = order_id;
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x80);
    id.bytes[15] ^= (uint8_t)status;
    return id;
}

static GString *created_body(ChUuid id, const OrderPlacement *placement, bool again)
{
    static const char type[] = "OrderCreatedEvent";
    GString *body = again ? ch_event_begin_again(id, ch_uuid_new(), type, placement->created_us)
                          : ch_event_begin(id, type, placement->created_us);
    ch_json_add_uuid(body, "OrderId", placement->id);
    ch_json_add_uuid(body, "CustomerId", placement->customer_id);
    ch_json_add_decimal(body, "OrderTotal", placement->total);
    ch_json_add_text(body, "Currency", placement->currency);
    ch_json_begin_array(body, "Items");
    for (size_t i = 0; i < placement->n_items; i++) {
        ch_json_begin_object(body, NULL);
        ch_json_add_uuid(body, "ProductId", placement->items[i].product_id);
        ch_json_add_integer(body, "Quantity", placement->items[i].quantity);
        ch_json_end_object(body);
    }
    ch_json_end_array(body);
    ch_event_end(body);
    return body;
}

bool order_events_created(ChPg *pg, const OrderPlacement *const *placements, size_t n, bool again,
                          GError **error)
{
    g_autofree ChOutboxEvent *events = g_new(ChOutboxEvent, n);
    for (size_t i = 0; i < n; i++) {
        ChUuid id = event_id(placements[i]->id, ORDER_CREATED);
        events[i] = (ChOutboxEvent){ id, "OrderCreatedEvent",
                                     created_body(id, placements[i], again), placements[i]->trace };
    }
    return ch_outbox_add_events(pg, ORDER_EVENTS_EXCHANGE, true, events, n, error);
}

/* What placed the order, as far as its event tells of it; borrows the items. */
static OrderPlacement placement_of(const Order *order, ChTrace trace)
{
    OrderPlacement placement = {
        .id = order->id,
        .customer_id = order->customer_id,
        .items = order->items,
        .n_items = order->n_items,
        .total = order->total,
        .created_us = order->created_us,
        .trace = trace,
    };
    memcpy(placement.currency, order->currency, sizeof placement.currency);
    return placement;
}

bool order_events_created_again(ChPg *pg, Order *const *orders, const ChTrace *traces, size_t n,
                                GError **error)
{
    g_autofree OrderPlacement *placements = g_new(OrderPlacement, n);
    g_autofree const OrderPlacement **pointers = g_new(const OrderPlacement *, n);
    for (size_t i = 0; i < n; i++) {
        placements[i] = placement_of(orders[i], traces[i]);
        pointers[i] = &placements[i];
    }
    return order_events_created(pg, pointers, n, true, error);
}

static ChOutboxEvent changed_event(const OrderChange *change, int64_t now_us)
{
    bool confirmed = change->status == ORDER_CONFIRMED;
    const char *type = confirmed ? "OrderConfirmedEvent" : "OrderCancelledEvent";
    ChUuid id = event_id(change->id, change->status);
    GString *body = ch_event_begin(id, type, now_us);
    ch_json_add_uuid(body, "OrderId", change->id);
    ch_json_add_uuid(body, "CustomerId", change->customer_id);
    if (confirmed) {
        ch_json_add_decimal(body, "OrderTotal", change->total);
        ch_json_add_text(body, "Currency", change->currency);
    } else {
        ch_json_add_text(body, "Reason", change->reason);
    }
    ch_event_end(body);
    return (ChOutboxEvent){ id, type, body, change->trace };
}

bool order_events_changed(ChPg *pg, const OrderChange *changes, size_t n, GError **error)
{
    int64_t now_us = ch_time_now_us();
    g_autofree ChOutboxEvent *events = g_new(ChOutboxEvent, n);
    for (size_t i = 0; i < n; i++)
        events[i] = changed_event(&changes[i], now_us);
    return ch_outbox_add_events(pg, ORDER_EVENTS_EXCHANGE, true, events, n, error);
}
