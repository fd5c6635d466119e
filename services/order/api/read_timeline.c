/* The story of an order over HTTP. Its customer sees the steps and what is to come; who may see
 * every customer's orders sees too who did something, and the messages that are held up. */
#include "order/api/read_timeline.h"

#include "chassis/core/time.h"
#include "chassis/json/json_writer.h"
#include "chassis/messaging/pending.h"
#include "order/api/lists.h"
#include "order/api/order_json.h"
#include "order/api/read_orders.h"
#include "order/api/scopes.h"

/* How the place of a message looks to the rules. */
static const OrderHeld held_at[] = {
    [CH_PENDING_NOTHING] = ORDER_HELD_NOWHERE,
    [CH_PENDING_OUTBOX] = ORDER_HELD_IN_OUTBOX,
    [CH_PENDING_PARKED] = ORDER_HELD_PARKED,
    [CH_PENDING_DEAD_LETTER] = ORDER_HELD_DEAD_LETTER,
};
G_STATIC_ASSERT(G_N_ELEMENTS(held_at) == CH_PENDING_PLACES_N);

/* A timeline and what is held up of it. */
typedef struct {
    OrderTimeline *timeline; /* NULL: there is no such order */
    GPtrArray *pending;
} Story;

static void clear_stories(Story *stories, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        order_timeline_free(stories[i].timeline);
        g_clear_pointer(&stories[i].pending, g_ptr_array_unref);
    }
}

/* ---- asking ---- */

/* The times of the steps, each of which was announced. New. */
static int64_t *times_of(const OrderTimeline *timeline)
{
    int64_t *times_us = g_new(int64_t, timeline->steps->len);
    for (guint i = 0; i < timeline->steps->len; i++)
        times_us[i] = g_array_index(timeline->steps, OrderStep, i).at_us;
    return times_us;
}

/* What is held up of the stories that there are. */
static bool find_pending(ChPg *pg, Story *stories, size_t n, GError **error)
{
    g_autofree ChPendingAsked *asked = g_new0(ChPendingAsked, n);
    g_autofree GPtrArray **found = g_new0(GPtrArray *, n);
    g_autoptr(GPtrArray) times = g_ptr_array_new_with_free_func(g_free);
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
        const OrderTimeline *timeline = stories[i].timeline;
        if (timeline == NULL)
            continue;
        g_ptr_array_add(times, times_of(timeline));
        asked[known++] = (ChPendingAsked){ timeline->id, g_ptr_array_index(times, times->len - 1),
                                           timeline->steps->len };
    }
    if (known > 0 && !ch_pending_find(pg, asked, known, found, error))
        return false;
    for (size_t i = 0, k = 0; i < n; i++) {
        if (stories[i].timeline != NULL)
            stories[i].pending = found[k++];
    }
    return true;
}

static bool find_stories(const OrderLists *lists, const OrderAsked *asked, size_t n, Story *stories,
                         GError **error)
{
    g_autofree OrderTimeline **timelines = g_new0(OrderTimeline *, n);
    if (!lists->reads->ops->timelines(lists->reads, asked, n, timelines, error))
        return false;
    for (size_t i = 0; i < n; i++)
        stories[i].timeline = timelines[i];
    return find_pending(lists->pg, stories, n, error);
}

/* ---- answering ---- */

/* An announcement of its status that is not published comes before a letter about it. */
static OrderHeld held_of(const Story *story)
{
    const char *event = order_event_name(story->timeline->status);
    const ChPending *unpublished = ch_pending_unpublished(story->pending, event);
    if (unpublished != NULL)
        return held_at[unpublished->place];
    return ch_pending_worst(story->pending) == CH_PENDING_DEAD_LETTER ? ORDER_HELD_DEAD_LETTER
                                                                      : ORDER_HELD_NOWHERE;
}

static void add_known(GString *json, const char *key, const char *text)
{
    if (text != NULL)
        ch_json_add_text(json, key, text);
}

static void write_step(GString *json, const OrderStep *step, const Story *story, bool sees_all)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "step", order_step_name(step->kind));
    ch_json_add_time(json, "at", step->at_us);
    ch_json_add_text(json, "cause", step->cause);
    add_known(json, "traceId", step->trace_id);
    if (sees_all)
        add_known(json, "by", step->actor);
    if (step->kind == ORDER_STEP_ANNOUNCED_AGAIN) {
        ch_json_add_integer(json, "times", step->times);
    } else {
        const char *event = order_event_name((OrderStatus)step->kind);
        ch_json_add_text(json, "event", event);
        ch_json_add_bool(json, "published", ch_pending_unpublished(story->pending, event) == NULL);
    }
    ch_json_end_object(json);
}

static void write_next(GString *json, const OrderNextStep *next)
{
    ch_json_add_text(json, "state", order_progress_name(next->state));
    if (next->what == NULL)
        return;
    ch_json_begin_object(json, "expected");
    ch_json_add_text(json, "what", next->what);
    ch_json_add_text(json, "of", next->of);
    ch_json_add_time(json, "since", next->since_us);
    if (next->by_us != 0)
        ch_json_add_time(json, "by", next->by_us);
    ch_json_end_object(json);
}

static void respond(ChHttpRequest *request, const Story *story)
{
    const OrderTimeline *timeline = story->timeline;
    bool sees_all = ch_http_request_may(request, ORDER_SCOPE_ANY);
    GString *json = g_string_sized_new(1024);
    OrderNextStep next = order_next_step(timeline->status, held_of(story), timeline->is_watched,
                                         order_timeline_newest_us(timeline), ch_time_now_us());
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "orderId", timeline->id);
    ch_json_add_text(json, "status", order_status_name(timeline->status));
    write_next(json, &next);
    ch_json_begin_array(json, "steps");
    for (guint i = 0; i < timeline->steps->len; i++)
        write_step(json, &g_array_index(timeline->steps, OrderStep, i), story, sees_all);
    ch_json_end_array(json);
    if (sees_all)
        ch_pending_write(json, story->pending);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}

bool order_api_timeline(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    const OrderLists *lists = context;
    g_autofree OrderAsked *asked = g_new(OrderAsked, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree Story *stories = g_new0(Story, n);
    size_t valid = order_api_take_asked(requests, n, asked, askers);
    bool ok = valid == 0 || find_stories(lists, asked, valid, stories, error);
    for (size_t i = 0; ok && i < valid; i++) {
        if (stories[i].timeline == NULL)
            order_api_respond_unknown(askers[i]);
        else
            respond(askers[i], &stories[i]);
    }
    clear_stories(stories, valid);
    return ok;
}
