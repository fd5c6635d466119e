/* The cautious start and the end of a swollen connection, as decisions. */
#include "chassis/rabbitmq/caution.h"

#include <glib.h>

enum {
    FULL = 500,
    LARGE_BYTES = 2 * 1024 * 1024,
};

static const ChDelivery fresh = { .body_bytes = 100 };
static const ChDelivery again = { .body_bytes = 100, .delivery_count = 3 };
static const ChDelivery large = { .body_bytes = LARGE_BYTES };
static const ChDelivery nested = { .header_tables = 129 };
static const ChDelivery federated = { .header_tables = 2 };

static ChCaution started(void)
{
    ChCaution caution = { .widen = true, .swollen = true, .retiring = true };
    ch_caution_start(&caution);
    return caution;
}

/* A message came and was settled. */
static void pass(ChCaution *caution, const ChDelivery *delivery)
{
    ch_caution_note_fetched(caution, delivery);
    ch_caution_note_settled(caution, delivery);
}

static void must_widen(ChCaution *caution)
{
    pass(caution, &fresh);
    g_assert_cmpint(ch_caution_next(caution, true), ==, CH_CAUTION_WIDEN);
    ch_caution_widened(caution);
}

static void test_a_start_is_cautious(void)
{
    ChCaution caution = started();
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, 1);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
}

/* What was delivered before may be the killer: settling it proves nothing of what comes next. */
static void test_repeated_messages_open_nothing(void)
{
    ChCaution caution = started();
    for (int i = 0; i < 20; i++) {
        pass(&caution, &again);
        g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
        g_assert_cmpint(ch_caution_window(&caution, FULL), ==, 1);
    }
}

static void test_a_fetched_message_opens_nothing(void)
{
    ChCaution caution = started();
    ch_caution_note_fetched(&caution, &fresh);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
}

static void test_the_first_new_message_opens_the_window(void)
{
    ChCaution caution = started();
    pass(&caution, &again);
    pass(&caution, &fresh);
    g_assert_cmpint(ch_caution_next(&caution, false), ==, CH_CAUTION_WIDEN);
    /* Until the broker has been asked the old window holds: its consumer's tag goes by it. */
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, 1);
    ch_caution_widened(&caution);
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, FULL);
}

static void test_the_window_opens_once(void)
{
    ChCaution caution = started();
    must_widen(&caution);
    for (int i = 0; i < 3; i++) {
        pass(&caution, &fresh);
        g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
    }
    pass(&caution, &again);
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, FULL);
}

static void test_a_new_connection_is_cautious_again(void)
{
    ChCaution caution = started();
    must_widen(&caution);
    ch_caution_start(&caution);
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, 1);
}

/* The connection after one that ended for an unreadable message. */
static ChCaution started_after_a_known_end(void)
{
    ChCaution caution = started();
    must_widen(&caution);
    ch_caution_note_end(&caution);
    ch_caution_start(&caution);
    return caution;
}

/* What comes again is no suspect, and need not come one by one. */
static void test_after_a_known_end_the_window_grows(void)
{
    static const int windows[] = { 1, 2, 4, 8, 16, 32, 64, 128, FULL };
    g_autoptr(GHashTable) tags = g_hash_table_new(g_str_hash, g_str_equal);
    ChCaution caution = started_after_a_known_end();
    for (size_t i = 0; i + 1 < G_N_ELEMENTS(windows); i++) {
        g_assert_true(g_hash_table_add(tags, (char *)ch_caution_tag(&caution, "full")));
        g_assert_cmpint(ch_caution_window(&caution, FULL), ==, windows[i]);
        for (int n = 0; n < 2 * windows[i]; n++) {
            g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
            pass(&caution, &again);
        }
        g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_WIDEN);
        ch_caution_widened(&caution);
    }
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, FULL);
    g_assert_cmpstr(ch_caution_tag(&caution, "full"), ==, "full");
}

static void test_a_new_message_opens_a_window_that_grows(void)
{
    ChCaution caution = started_after_a_known_end();
    must_widen(&caution);
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, FULL);
}

static void test_a_small_window_is_never_larger_than_the_full_one(void)
{
    enum {
        FEW = 3,
    };
    ChCaution caution = started_after_a_known_end();
    for (int i = 0; i < 2; i++)
        ch_caution_widened(&caution);
    g_assert_cmpint(ch_caution_window(&caution, FEW), ==, FEW);
}

/* An unreadable message among suspects clears none of them. */
static void test_who_suspects_goes_on_suspecting(void)
{
    ChCaution caution = started();
    ch_caution_note_end(&caution);
    ch_caution_start(&caution);
    for (int i = 0; i < 20; i++) {
        pass(&caution, &again);
        g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
    }
}

static void test_trust_is_for_one_connection(void)
{
    ChCaution caution = started_after_a_known_end();
    ch_caution_start(&caution);
    pass(&caution, &again);
    pass(&caution, &again);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
}

static void test_a_swollen_connection_runs_dry_and_is_replaced(void)
{
    static const ChDelivery *const swelling[] = { &large, &nested };
    for (size_t i = 0; i < G_N_ELEMENTS(swelling); i++) {
        ChCaution caution = started();
        must_widen(&caution);
        pass(&caution, swelling[i]);
        g_assert_cmpint(ch_caution_next(&caution, false), ==, CH_CAUTION_RETIRE);
        g_assert_cmpint(ch_caution_next(&caution, false), ==, CH_CAUTION_GO_ON);
        pass(&caution, &fresh);
        g_assert_cmpint(ch_caution_next(&caution, false), ==, CH_CAUTION_GO_ON);
        g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_REPLACE);
    }
}

/* It asks for nothing more before it can be drained, whatever has been fetched. */
static void test_retiring_comes_before_replacing(void)
{
    ChCaution caution = started();
    ch_caution_note_fetched(&caution, &large);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_RETIRE);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_REPLACE);
}

/* A large new message first of all: the window of a connection that ends is not opened. */
static void test_a_retiring_connection_is_not_widened(void)
{
    ChCaution caution = started();
    pass(&caution, &large);
    g_assert_cmpint(ch_caution_next(&caution, false), ==, CH_CAUTION_RETIRE);
    g_assert_cmpint(ch_caution_next(&caution, false), ==, CH_CAUTION_GO_ON);
    g_assert_cmpint(ch_caution_window(&caution, FULL), ==, 1);
}

static void test_messages_of_usual_size_swell_nothing(void)
{
    const ChDelivery usual = { .body_bytes = 1024 * 1024 };
    ChCaution caution = started();
    must_widen(&caution);
    pass(&caution, &usual);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
}

static void test_few_nested_headers_swell_nothing(void)
{
    ChCaution caution = started();
    must_widen(&caution);
    for (int i = 0; i < 300; i++) {
        pass(&caution, &federated);
        g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
    }
}

static void test_many_messages_with_nested_headers_do(void)
{
    enum {
        MOST = 32 * 1024, /* two tables each: 64 Ki */
    };
    ChCaution caution = started();
    must_widen(&caution);
    for (int i = 0; i < MOST; i++)
        pass(&caution, &federated);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_GO_ON);
    pass(&caution, &federated);
    g_assert_cmpint(ch_caution_next(&caution, true), ==, CH_CAUTION_RETIRE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add_func("/caution/" name, test)
    ADD("a-start-is-cautious", test_a_start_is_cautious);
    ADD("repeated-messages-open-nothing", test_repeated_messages_open_nothing);
    ADD("a-fetched-message-opens-nothing", test_a_fetched_message_opens_nothing);
    ADD("the-first-new-message-opens-the-window", test_the_first_new_message_opens_the_window);
    ADD("the-window-opens-once", test_the_window_opens_once);
    ADD("a-new-connection-is-cautious-again", test_a_new_connection_is_cautious_again);
    ADD("after-a-known-end-the-window-grows", test_after_a_known_end_the_window_grows);
    ADD("a-new-message-opens-a-window-that-grows", test_a_new_message_opens_a_window_that_grows);
    ADD("a-small-window-is-never-larger-than-the-full-one",
        test_a_small_window_is_never_larger_than_the_full_one);
    ADD("who-suspects-goes-on-suspecting", test_who_suspects_goes_on_suspecting);
    ADD("trust-is-for-one-connection", test_trust_is_for_one_connection);
    ADD("a-swollen-connection-runs-dry-and-is-replaced",
        test_a_swollen_connection_runs_dry_and_is_replaced);
    ADD("retiring-comes-before-replacing", test_retiring_comes_before_replacing);
    ADD("a-retiring-connection-is-not-widened", test_a_retiring_connection_is_not_widened);
    ADD("messages-of-usual-size-swell-nothing", test_messages_of_usual_size_swell_nothing);
    ADD("few-nested-headers-swell-nothing", test_few_nested_headers_swell_nothing);
    ADD("many-messages-with-nested-headers-do", test_many_messages_with_nested_headers_do);
    return g_test_run();
}
