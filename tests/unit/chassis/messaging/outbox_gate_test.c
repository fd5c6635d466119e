/* The gate closes at its limit and opens below it. */
#include "chassis/messaging/outbox_gate.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include "fake_postgres.h"

#include <fcntl.h>

#define COUNT "select count(*) from"

enum {
    LIMIT = 10,
    PATIENCE_S = 30,
};

typedef struct {
    ChPg *pg;
    ChOutboxGate *gate;
    GError *error;
} Fixture;

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->pg = fake_pg_new();
    f->gate = ch_outbox_gate_new(f->pg, LIMIT);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_clear_error(&f->error);
    ch_outbox_gate_free(f->gate);
    fake_pg_free(f->pg);
}

/* Runs it until it counts: it pauses in proportion to how long the last count took. */
static bool count(Fixture *f)
{
    int64_t deadline_us = ch_time_monotonic_us() + PATIENCE_S * G_USEC_PER_SEC;
    fake_pg_forget(f->pg);
    while (*fake_pg_sent(f->pg) == '\0') {
        g_assert_cmpint(ch_time_monotonic_us(), <, deadline_us);
        if (!ch_outbox_gate_run(f->gate, NULL, 0, &f->error))
            return false;
    }
    return true;
}

/* The outbox holds @pending messages, and the gate knows. */
static void must_count(Fixture *f, int64_t pending)
{
    fake_pg_answer(f->pg, COUNT, &FAKE_INT(pending), 1, 1);
    g_assert_true(count(f));
}

static bool admits(Fixture *f)
{
    unsigned retry_after_s = 0;
    bool admitted = ch_outbox_gate_admit(f->gate, &retry_after_s);
    g_assert_true(admitted || retry_after_s > 0);
    return admitted;
}

static void test_it_is_open_at_first(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(admits(f));
}

static void test_it_counts_up_to_the_limit(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_count(f, 0);
    g_assert_cmpstr(fake_pg_param(f->pg, COUNT, 0), ==, "10");
}

static void test_it_closes_at_the_limit_and_opens_below(Fixture *f,
                                                        gconstpointer unused G_GNUC_UNUSED)
{
    must_count(f, LIMIT - 1);
    g_assert_true(admits(f));
    must_count(f, LIMIT);
    g_assert_false(admits(f));
    must_count(f, LIMIT);
    g_assert_false(admits(f));
    must_count(f, LIMIT - 1);
    g_assert_true(admits(f));
}

static void test_an_outage_leaves_it_as_it_was(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_count(f, LIMIT);
    fake_pg_answer_error(f->pg, COUNT, CH_ERROR_UNAVAILABLE, "lost");
    g_assert_false(count(f));
    g_assert_error(f->error, CH_ERROR, CH_ERROR_UNAVAILABLE);
    g_assert_false(admits(f));
}

#define ADD(name, test) g_test_add("/outbox-gate/" name, Fixture, NULL, set_up, test, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_set_output(open("/dev/null", O_WRONLY));
    ADD("it-is-open-at-first", test_it_is_open_at_first);
    ADD("it-counts-up-to-the-limit", test_it_counts_up_to_the_limit);
    ADD("it-closes-at-the-limit-and-opens-below", test_it_closes_at_the_limit_and_opens_below);
    ADD("an-outage-leaves-it-as-it-was", test_an_outage_leaves_it_as_it_was);
    return g_test_run();
}
