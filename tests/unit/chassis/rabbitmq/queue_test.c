/* Names of the queues beside a queue. */
#include "chassis/rabbitmq/queue.h"

#include <glib.h>
#include <string.h>

static void test_retry_queues(void)
{
    char name[CH_QUEUE_NAME_BYTES];
    ch_queue_retry_name("stock.ordercreated", 1, name);
    g_assert_cmpstr(name, ==, "stock.ordercreated.retry.1");
    ch_queue_retry_name("stock.ordercreated", CH_RETRIES, name);
    g_assert_cmpstr(name, ==, "stock.ordercreated.retry.2");
}

static void test_dead_letter_queue(void)
{
    char name[CH_QUEUE_NAME_BYTES];
    ch_queue_dead_letter_name("order.confirmed.queue", name);
    g_assert_cmpstr(name, ==, "order.confirmed.queue.dlq");
}

static void test_unread_queue(void)
{
    char name[CH_QUEUE_NAME_BYTES];
    ch_queue_unread_name("order.confirmed.queue", name);
    g_assert_cmpstr(name, ==, "order.confirmed.queue.unread");
}

static void test_delays_grow(void)
{
    for (int i = 0; i < CH_RETRIES; i++) {
        g_assert_cmpint(ch_retry_delays_ms[i], >, 0);
        g_assert_cmpint(ch_retry_delays_ms[i], >, i == 0 ? 0 : ch_retry_delays_ms[i - 1]);
    }
}

static void test_names_never_leave_their_room(void)
{
    char name[CH_QUEUE_NAME_BYTES];
    char queue[2 * CH_QUEUE_NAME_BYTES];
    memset(queue, 'q', sizeof queue - 1);
    queue[sizeof queue - 1] = '\0';
    ch_queue_retry_name(queue, 1, name);
    g_assert_cmpuint(strlen(name), ==, CH_QUEUE_NAME_BYTES - 1);
    ch_queue_dead_letter_name(queue, name);
    g_assert_cmpuint(strlen(name), ==, CH_QUEUE_NAME_BYTES - 1);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/queue/retry-queues", test_retry_queues);
    g_test_add_func("/queue/dead-letter-queue", test_dead_letter_queue);
    g_test_add_func("/queue/unread-queue", test_unread_queue);
    g_test_add_func("/queue/delays-grow", test_delays_grow);
    g_test_add_func("/queue/names-never-leave-their-room", test_names_never_leave_their_room);
    return g_test_run();
}
