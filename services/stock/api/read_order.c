/* What became of an order's stock, and what is held up about it here. */
#include "stock/api/read_order.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "chassis/messaging/pending.h"
#include "stock/api/lists.h"

enum {
    TIMES = 2 /* at which an order's stock is announced: decided, given back */
};

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "nothing is known of such an order here");
}

/* The orders that the paths name, and who asks for each; the others are answered. */
static size_t take_asked(ChHttpRequest *const *requests, size_t n, ChUuid *ids,
                         ChHttpRequest **askers)
{
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_param_uuid(requests[i], "id", &ids[valid]))
            askers[valid++] = requests[i];
        else
            respond_unknown(requests[i]);
    }
    return valid;
}

static bool find_pending(ChPg *pg, const StockOrderStory *stories, size_t n, GPtrArray **pending,
                         GError **error)
{
    g_autofree ChPendingAsked *asked = g_new0(ChPendingAsked, n);
    g_autofree int64_t *times_us = g_new0(int64_t, n * TIMES);
    for (size_t i = 0; i < n; i++) {
        int64_t *own_us = times_us + i * TIMES;
        own_us[0] = stories[i].created_us;
        own_us[1] = stories[i].updated_us;
        bool is_known = stories[i].reservation != STOCK_RESERVATION_NONE;
        asked[i] = (ChPendingAsked){ stories[i].order_id, own_us, is_known ? TIMES : 0 };
    }
    return ch_pending_find(pg, asked, n, pending, error);
}

static void write_reservation(GString *json, const StockOrderStory *story)
{
    const char *status = stock_reservation_name(story->reservation);
    if (status == NULL)
        return;
    ch_json_begin_object(json, "reservation");
    ch_json_add_text(json, "status", status);
    if (story->reason != NULL)
        ch_json_add_text(json, "reason", story->reason);
    ch_json_add_time(json, "createdAt", story->created_us);
    ch_json_add_time(json, "updatedAt", story->updated_us);
    ch_json_end_object(json);
}

static void write_movements(GString *json, const GPtrArray *movements)
{
    ch_json_begin_array(json, "movements");
    for (guint i = 0; i < movements->len; i++) {
        const StockMovement *movement = g_ptr_array_index(movements, i);
        ch_json_begin_object(json, NULL);
        ch_json_add_uuid(json, "id", movement->id);
        ch_json_add_uuid(json, "productId", movement->product_id);
        ch_json_add_integer(json, "delta", movement->delta);
        ch_json_add_text(json, "kind", movement->kind);
        ch_json_add_time(json, "at", movement->happened_us);
        ch_json_end_object(json);
    }
    ch_json_end_array(json);
}

static void respond(ChHttpRequest *request, const StockOrderStory *story, const GPtrArray *pending)
{
    if (story->reservation == STOCK_RESERVATION_NONE && pending->len == 0) {
        respond_unknown(request);
        return;
    }
    GString *json = g_string_sized_new(512 + 192 * story->movements->len);
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "orderId", story->order_id);
    write_reservation(json, story);
    write_movements(json, story->movements);
    ch_pending_write(json, pending);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}

bool stock_api_order(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    const StockLists *lists = context;
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree StockOrderStory *stories = g_new0(StockOrderStory, n);
    g_autofree GPtrArray **pending = g_new0(GPtrArray *, n);
    size_t valid = take_asked(requests, n, ids, askers);
    bool ok = valid == 0 || (lists->reads->ops->orders(lists->reads, ids, valid, stories, error) &&
                             find_pending(lists->pg, stories, valid, pending, error));
    for (size_t i = 0; i < valid; i++) {
        if (ok)
            respond(askers[i], &stories[i], pending[i]);
        stock_order_story_clear(&stories[i]);
        g_clear_pointer(&pending[i], g_ptr_array_unref);
    }
    return ok;
}
