/* The ring of waiting requests. */
#include "chassis/http/queue.h"

#include "chassis/core/time.h"

#include <pthread.h>

enum {
    ROOM = 3,
    LONG_MS = 60 * 1000,
    MANY_BYTES = 12 * 1024 * 1024, /* of answers: more than a queue allows */
};

static ChHttpRequest *waiting(const char *path)
{
    ChHttpRequest *request = ch_http_request_new(path, 0, 0);
    atomic_store(&request->state, CH_HTTP_WAITING);
    return request;
}

static void assert_takes(ChHttpQueue *queue, size_t max, const char *paths)
{
    void *items[ROOM] = { NULL };
    size_t n = ch_http_queue_take(queue, items, max, 0);
    g_autoptr(GString) taken = g_string_new(NULL);
    for (size_t i = 0; i < n; i++) {
        ChHttpRequest *request = items[i];
        g_string_append(taken, request->path);
        ch_http_request_unref(request);
    }
    g_assert_cmpstr(taken->str, ==, paths);
}

static void test_order(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    g_assert_true(ch_http_queue_push(queue, waiting("/a")));
    g_assert_true(ch_http_queue_push(queue, waiting("/b")));
    assert_takes(queue, 1, "/a");
    g_assert_true(ch_http_queue_push(queue, waiting("/c")));
    g_assert_true(ch_http_queue_push(queue, waiting("/d"))); /* round the end of the ring */
    assert_takes(queue, ROOM, "/b/c/d");
    assert_takes(queue, ROOM, "");
    ch_http_queue_free(queue);
}

static void test_full(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    for (int i = 0; i < ROOM; i++)
        g_assert_true(ch_http_queue_push(queue, waiting("/a")));
    ChHttpRequest *late = waiting("/late");
    g_assert_false(ch_http_queue_push(queue, late));
    ch_http_request_unref(late);
    assert_takes(queue, ROOM, "/a/a/a");
    ch_http_queue_free(queue);
}

static void test_expired(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    ChHttpRequest *expired = waiting("/expired");
    ch_http_queue_push(queue, expired);
    ch_http_queue_push(queue, waiting("/a"));
    g_assert_true(ch_http_request_finish(expired, CH_HTTP_EXPIRED));
    assert_takes(queue, ROOM, "/a");
    ch_http_queue_free(queue);
}

static void *wake(void *queue)
{
    ch_http_queue_wake(queue);
    return NULL;
}

static void test_wake(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    void *items[ROOM];
    pthread_t thread;
    int64_t started_us = ch_time_monotonic_us();
    g_assert_cmpint(pthread_create(&thread, NULL, wake, queue), ==, 0);
    g_assert_cmpuint(ch_http_queue_take(queue, items, ROOM, LONG_MS), ==, 0);
    g_assert_cmpint(ch_time_monotonic_us() - started_us, <, LONG_MS * (int64_t)1000 / 2);
    pthread_join(thread, NULL);
    ch_http_queue_free(queue);
}

static void test_slow_readers_let_one_at_a_time(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    ch_http_queue_push(queue, waiting("/a"));
    ch_http_queue_push(queue, waiting("/b"));
    ch_http_queue_push(queue, waiting("/c"));
    ch_http_queue_add_unsent(queue, MANY_BYTES);
    assert_takes(queue, ROOM, "/a");
    ch_http_queue_subtract_unsent(queue, MANY_BYTES);
    assert_takes(queue, ROOM, "/b/c");
    ch_http_queue_free(queue);
}

static void test_beyond_the_budget_nothing_goes_on(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    void *items[ROOM];
    ChHttpRequest *refused = waiting("/b");
    g_assert_true(ch_http_queue_push(queue, waiting("/a")));
    ch_http_queue_add_unsent(queue, 2 * MANY_BYTES);
    g_assert_false(ch_http_queue_push(queue, refused));
    g_assert_cmpuint(ch_http_queue_take(queue, items, ROOM, 1), ==, 0);
    ch_http_queue_subtract_unsent(queue, 2 * MANY_BYTES);
    g_assert_true(ch_http_queue_push(queue, refused));
    assert_takes(queue, ROOM, "/a/b");
    ch_http_queue_free(queue);
}

static void *send_all(void *queue)
{
    ch_http_queue_subtract_unsent(queue, MANY_BYTES);
    return NULL;
}

static void test_sent_answers_end_a_wait(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    void *items[ROOM];
    pthread_t thread;
    ch_http_queue_push(queue, waiting("/a"));
    ch_http_queue_add_unsent(queue, MANY_BYTES);
    int64_t started_us = ch_time_monotonic_us();
    g_assert_cmpint(pthread_create(&thread, NULL, send_all, queue), ==, 0);
    g_assert_cmpuint(ch_http_queue_take(queue, items, ROOM, LONG_MS), ==, 1);
    g_assert_cmpint(ch_time_monotonic_us() - started_us, <, LONG_MS * (int64_t)1000 / 2);
    pthread_join(thread, NULL);
    ch_http_request_unref(items[0]);
    ch_http_queue_free(queue);
}

static void test_freed_with_requests(void)
{
    ChHttpQueue *queue = ch_http_queue_new("test", ROOM);
    ch_http_queue_push(queue, waiting("/a")); /* the sanitizers would miss it */
    ch_http_queue_free(queue);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/queue/order", test_order);
    g_test_add_func("/queue/full", test_full);
    g_test_add_func("/queue/drops-expired", test_expired);
    g_test_add_func("/queue/wake-ends-a-wait", test_wake);
    g_test_add_func("/queue/slow-readers-let-one-at-a-time", test_slow_readers_let_one_at_a_time);
    g_test_add_func("/queue/beyond-the-budget-nothing-goes-on",
                    test_beyond_the_budget_nothing_goes_on);
    g_test_add_func("/queue/sent-answers-end-a-wait", test_sent_answers_end_a_wait);
    g_test_add_func("/queue/freed-with-requests", test_freed_with_requests);
    return g_test_run();
}
