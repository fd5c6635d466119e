/* Orders in answers. */
#include "order/api/order_json.h"

#include "chassis/http/problem.h"
#include "chassis/json/json_writer.h"

void order_api_respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such order");
}

void order_api_write_order(GString *json, const Order *order)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", order->id);
    ch_json_add_uuid(json, "customerId", order->customer_id);
    ch_json_add_text(json, "status", order_status_name(order->status));
    ch_json_begin_array(json, "items");
    for (size_t i = 0; i < order->n_items; i++) {
        ch_json_begin_object(json, NULL);
        ch_json_add_uuid(json, "productId", order->items[i].product_id);
        ch_json_add_integer(json, "quantity", order->items[i].quantity);
        ch_json_add_decimal(json, "unitPrice", order->items[i].unit_price);
        ch_json_end_object(json);
    }
    ch_json_end_array(json);
    ch_json_add_decimal(json, "total", order->total);
    ch_json_add_text(json, "currency", order->currency);
    if (order->reason != NULL)
        ch_json_add_text(json, "reason", order->reason);
    ch_json_add_time(json, "createdAt", order->created_us);
    ch_json_add_time(json, "updatedAt", order->updated_us);
    ch_json_end_object(json);
}

void order_api_respond_order(ChHttpRequest *request, const Order *order)
{
    if (order == NULL) {
        order_api_respond_unknown(request);
        return;
    }
    GString *json = g_string_sized_new(512);
    order_api_write_order(json, order);
    ch_http_respond_json(request, 200, json);
}
