/* What a window of unconfirmed messages makes of the broker's answers. */
#include "chassis/rabbitmq/window.h"

#include <glib.h>

enum {
    MESSAGES = 1000,
    FIRST_TAG = 41, /* of a channel on which others were published before */
    WAIT_MS = 5000,
};

static const int64_t START_US = 1000 * G_USEC_PER_SEC;
static const int64_t WAIT_US = INT64_C(1000) * WAIT_MS;

typedef struct {
    ChMessage messages[MESSAGES];
    char ids[MESSAGES][16];
    ChWindow window;
} Fixture;

/* @n messages of @body_bytes each. */
static void start(Fixture *f, size_t n, size_t body_bytes)
{
    for (size_t i = 0; i < n; i++) {
        g_snprintf(f->ids[i], sizeof f->ids[i], "id-%zu", i);
        f->messages[i] = (ChMessage){ .exchange = "orders",
                                      .routing_key = "order.created",
                                      .message_id = f->ids[i],
                                      .body_bytes = body_bytes };
    }
    ch_window_init(&f->window, f->messages, n, FIRST_TAG, START_US, WAIT_MS);
}

static void send_all(Fixture *f)
{
    while (ch_window_next(&f->window) != NULL)
        ch_window_note_sent(&f->window);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_window_clear(&f->window);
}

static void test_messages_go_in_order(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 3, 10);
    for (size_t i = 0; i < 3; i++) {
        g_assert_true(ch_window_next(&f->window) == &f->messages[i]);
        ch_window_note_sent(&f->window);
    }
    g_assert_null(ch_window_next(&f->window));
    g_assert_true(ch_window_is_under_way(&f->window));
    g_assert_false(ch_window_is_done(&f->window));
}

static void test_one_confirm_settles_one(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 3, 10);
    send_all(f);
    ch_window_settle(&f->window, FIRST_TAG + 1, false, false);
    g_assert_true(f->window.settled[1]);
    g_assert_false(f->window.settled[0] || f->window.settled[2]);
    ch_window_settle(&f->window, FIRST_TAG, false, false);
    ch_window_settle(&f->window, FIRST_TAG + 2, false, false);
    g_assert_true(ch_window_is_done(&f->window));
    g_assert_false(ch_window_is_under_way(&f->window));
}

static void test_multiple_settles_all_before(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 5, 10);
    send_all(f);
    ch_window_settle(&f->window, FIRST_TAG + 2, false, true);
    ch_window_settle(&f->window, FIRST_TAG + 3, true, false);
    g_assert_cmpuint(f->window.n_settled, ==, 4);
    ch_window_settle(&f->window, FIRST_TAG + 4, true, false);
    g_assert_true(ch_window_is_done(&f->window));
    for (size_t i = 0; i < 5; i++)
        g_assert_cmpint(f->window.outcomes[i], ==,
                        i == 2 ? CH_PUBLISH_REFUSED : CH_PUBLISH_CONFIRMED);
}

static void test_multiple_refuses_all_before(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 4, 10);
    send_all(f);
    ch_window_settle(&f->window, FIRST_TAG, false, false);
    ch_window_settle(&f->window, FIRST_TAG + 2, true, true);
    ch_window_settle(&f->window, FIRST_TAG + 3, false, false);
    g_assert_cmpint(f->window.outcomes[0], ==, CH_PUBLISH_CONFIRMED);
    g_assert_cmpint(f->window.outcomes[1], ==, CH_PUBLISH_REFUSED);
    g_assert_cmpint(f->window.outcomes[2], ==, CH_PUBLISH_REFUSED);
    g_assert_cmpint(f->window.outcomes[3], ==, CH_PUBLISH_CONFIRMED);
}

/* Late confirms of a window that was given up, and what no broker should send. */
static void test_foreign_tags_are_ignored(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 3, 10);
    ch_window_note_sent(&f->window);
    static const uint64_t tags[] = {
        0, 1, FIRST_TAG - 1, FIRST_TAG + 1, FIRST_TAG + 3, G_MAXUINT64
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tags); i++) {
        ch_window_settle(&f->window, tags[i], true, true);
        ch_window_settle(&f->window, tags[i], false, false);
    }
    g_assert_cmpuint(f->window.n_settled, ==, 0);
    g_assert_cmpint(f->window.outcomes[0], ==, CH_PUBLISH_CONFIRMED);
}

static void test_a_repeated_confirm_counts_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 2, 10);
    send_all(f);
    for (int i = 0; i < 3; i++)
        ch_window_settle(&f->window, FIRST_TAG, true, i > 0);
    g_assert_cmpuint(f->window.n_settled, ==, 1);
    g_assert_cmpuint(f->window.sent_bytes, ==, 10);
    g_assert_cmpint(f->window.outcomes[0], ==, CH_PUBLISH_CONFIRMED);
}

static void test_full_by_messages(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, MESSAGES, 1);
    send_all(f);
    g_assert_cmpuint(f->window.sent, ==, CH_WINDOW_MESSAGES);
    ch_window_settle(&f->window, FIRST_TAG + 6, false, false);
    g_assert_true(ch_window_next(&f->window) == &f->messages[CH_WINDOW_MESSAGES]);
    send_all(f);
    g_assert_cmpuint(f->window.sent, ==, CH_WINDOW_MESSAGES + 1);
}

static void test_full_by_bytes(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 10, CH_WINDOW_BYTES / 2);
    send_all(f);
    g_assert_cmpuint(f->window.sent, ==, 2);
    ch_window_settle(&f->window, FIRST_TAG, false, false);
    send_all(f);
    g_assert_cmpuint(f->window.sent, ==, 3);
}

/* Else it would never be sent. */
static void test_a_message_larger_than_the_window_goes_alone(Fixture *f,
                                                             gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 2, 3 * CH_WINDOW_BYTES);
    send_all(f);
    g_assert_cmpuint(f->window.sent, ==, 1);
}

static void test_a_return_is_found_by_what_it_says(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 4, 10);
    f->messages[2].exchange = "";
    f->messages[2].routing_key = "queue";
    f->messages[2].message_id = NULL;
    send_all(f);
    ch_window_note_return(&f->window, "orders", "order.created", "id-1");
    ch_window_note_return(&f->window, "", "queue", NULL);
    ch_window_settle(&f->window, FIRST_TAG + 3, true, false);
    g_assert_cmpint(f->window.outcomes[0], ==, CH_PUBLISH_CONFIRMED);
    g_assert_cmpint(f->window.outcomes[1], ==, CH_PUBLISH_RETURNED);
    g_assert_cmpint(f->window.outcomes[2], ==, CH_PUBLISH_RETURNED);
    g_assert_cmpint(f->window.outcomes[3], ==, CH_PUBLISH_CONFIRMED);
}

static void test_each_of_two_alike_is_returned_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 3, 10);
    for (size_t i = 0; i < 3; i++)
        f->messages[i].message_id = "same";
    send_all(f);
    ch_window_note_return(&f->window, "orders", "order.created", "same");
    ch_window_note_return(&f->window, "orders", "order.created", "same");
    ch_window_settle(&f->window, FIRST_TAG + 2, true, false);
    g_assert_cmpint(f->window.outcomes[0], ==, CH_PUBLISH_RETURNED);
    g_assert_cmpint(f->window.outcomes[1], ==, CH_PUBLISH_RETURNED);
    g_assert_cmpint(f->window.outcomes[2], ==, CH_PUBLISH_CONFIRMED);
}

static void test_unknown_returns_are_ignored(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 3, 10);
    ch_window_note_sent(&f->window);
    ch_window_note_sent(&f->window);
    ch_window_settle(&f->window, FIRST_TAG, false, false);
    ch_window_note_return(&f->window, "orders", "order.created", "id-0"); /* settled */
    ch_window_note_return(&f->window, "orders", "order.created", "id-2"); /* not sent */
    ch_window_note_return(&f->window, "orders", "order.paid", "id-1");
    ch_window_note_return(&f->window, "stock", "order.created", "id-1");
    ch_window_note_return(&f->window, "orders", "order.created", NULL);
    for (size_t i = 0; i < 3; i++)
        g_assert_cmpint(f->window.outcomes[i], ==, CH_PUBLISH_CONFIRMED);
}

static void test_silence_ends_the_wait(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 2, 10);
    send_all(f);
    g_assert_cmpint(ch_window_left_us(&f->window, START_US), ==, WAIT_US);
    g_assert_cmpint(ch_window_left_us(&f->window, START_US + WAIT_US - 1), ==, 1);
    g_assert_cmpint(ch_window_left_us(&f->window, START_US + WAIT_US), ==, 0);
    g_assert_cmpint(ch_window_left_us(&f->window, START_US + WAIT_US + 7), ==, -7);
}

static void test_slow_is_not_gone(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 3, 10);
    send_all(f);
    int64_t now_us = START_US + WAIT_US - 1;
    ch_window_settle(&f->window, FIRST_TAG, false, false);
    g_assert_cmpint(ch_window_left_us(&f->window, now_us), ==, WAIT_US);
    /* Without another confirm the wait goes on running out. */
    g_assert_cmpint(ch_window_left_us(&f->window, now_us + WAIT_US), ==, 0);
}

static void test_a_trickle_ends_at_three_waits(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    start(f, 100, 10);
    send_all(f);
    int64_t last_us = START_US + CH_WINDOW_MAX_WAITS * WAIT_US;
    uint64_t tag = FIRST_TAG;
    int64_t now_us = START_US;
    for (; now_us < last_us; now_us += WAIT_US / 10) {
        ch_window_settle(&f->window, tag++, false, false);
        g_assert_cmpint(ch_window_left_us(&f->window, now_us), ==, MIN(WAIT_US, last_us - now_us));
    }
    ch_window_settle(&f->window, tag, false, false);
    g_assert_cmpint(ch_window_left_us(&f->window, last_us), ==, 0);
    g_assert_false(ch_window_is_done(&f->window));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/window/" name, Fixture, NULL, NULL, test, tear_down)
    ADD("messages-go-in-order", test_messages_go_in_order);
    ADD("one-confirm-settles-one", test_one_confirm_settles_one);
    ADD("multiple-settles-all-before", test_multiple_settles_all_before);
    ADD("multiple-refuses-all-before", test_multiple_refuses_all_before);
    ADD("foreign-tags-are-ignored", test_foreign_tags_are_ignored);
    ADD("a-repeated-confirm-counts-once", test_a_repeated_confirm_counts_once);
    ADD("full/by-messages", test_full_by_messages);
    ADD("full/by-bytes", test_full_by_bytes);
    ADD("full/a-message-larger-than-the-window-goes-alone",
        test_a_message_larger_than_the_window_goes_alone);
    ADD("return/is-found-by-what-it-says", test_a_return_is_found_by_what_it_says);
    ADD("return/each-of-two-alike-once", test_each_of_two_alike_is_returned_once);
    ADD("return/unknown-is-ignored", test_unknown_returns_are_ignored);
    ADD("wait/silence-ends-it", test_silence_ends_the_wait);
    ADD("wait/slow-is-not-gone", test_slow_is_not_gone);
    ADD("wait/a-trickle-ends-at-three-waits", test_a_trickle_ends_at_three_waits);
    return g_test_run();
}
