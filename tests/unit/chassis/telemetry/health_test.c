/* Outages as they are logged: once for all parts of a dependency, and so their ends. */
#include "chassis/telemetry/health.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <sys/mman.h>
#include <unistd.h>

enum {
    PATIENCE_US = 30 * 1000 * 1000,
    PARTS = 3,
};

static const char begun[] = "waiting for a server";
static const char ended[] = "server works again";

typedef struct {
    ChHealth *health;
    ChHealthPart *postgres[PARTS];
    ChHealthPart *broker;
    int log; /* a file in memory */
} Fixture;

static void set_all(Fixture *f, bool ok, const char *detail)
{
    for (size_t i = 0; i < PARTS; i++)
        ch_health_set(f->postgres[i], ok, detail);
}

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    f->log = memfd_create("log", MFD_CLOEXEC);
    ch_log_set_output(f->log);
    f->health = ch_health_new();
    for (size_t i = 0; i < PARTS; i++)
        f->postgres[i] = ch_health_part(f->health, "postgres");
    f->broker = ch_health_part(f->health, "rabbitmq");
    set_all(f, true, NULL);
    ch_health_set(f->broker, true, NULL);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_health_free(f->health);
    ch_log_set_output(STDOUT_FILENO);
    close(f->log);
}

/* How often @text was logged. */
static unsigned count_logged(const Fixture *f, const char *text)
{
    char lines[16384] = "";
    g_assert_cmpint(pread(f->log, lines, sizeof lines - 1, 0), >=, 0);
    g_auto(GStrv) parts = g_strsplit(lines, text, -1);
    unsigned n = g_strv_length(parts);
    return n > 0 ? n - 1 : 0;
}

/* Looks as an idle lane does, until the end of the outage was logged. */
static void must_end(Fixture *f)
{
    int64_t deadline_us = ch_time_monotonic_us() + PATIENCE_US;
    while (count_logged(f, ended) == 0) {
        g_assert_cmpint(ch_time_monotonic_us(), <, deadline_us);
        ch_health_settle(f->broker);
        g_usleep(10 * 1000);
    }
}

static void test_a_start_is_no_outage(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_health_settle(f->broker);
    g_assert_cmpuint(count_logged(f, begun), ==, 0);
    g_assert_cmpuint(count_logged(f, ended), ==, 0);
}

static void test_an_outage_is_told_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    set_all(f, false, "gone");
    ch_health_set(f->postgres[0], true, NULL); /* one is through with it */
    ch_health_settle(f->broker);
    set_all(f, true, NULL);
    ch_health_set(f->postgres[2], false, "closed"); /* one has only now seen it */
    set_all(f, true, NULL);
    must_end(f);
    ch_health_settle(f->broker);
    g_assert_cmpuint(count_logged(f, begun), ==, 1);
    g_assert_cmpuint(count_logged(f, "\"server\":\"postgres\",\"error\":\"gone\""), ==, 1);
    g_assert_cmpuint(count_logged(f, ended), ==, 1);
}

static void test_two_servers_are_two_outages(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    set_all(f, false, "gone");
    ch_health_set(f->broker, false, NULL);
    g_assert_cmpuint(count_logged(f, begun), ==, 2);
    set_all(f, true, NULL);
    must_end(f);
    g_assert_cmpuint(count_logged(f, "\"rabbitmq\",\"away_ms\""), ==, 0);
}

static void test_a_hope_is_no_end(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_health_set(f->postgres[0], false, "lock timeout");
    ch_health_set(f->broker, false, "gone");
    ch_health_try(f->postgres[0]);
    ch_health_set(f->broker, true, NULL);
    g_assert_true(ch_health_ready(f->health));
    must_end(f);
    g_assert_cmpuint(count_logged(f, "\"postgres\",\"away_ms\""), ==, 0);
}

static void test_a_stop_is_no_outage(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_health_stopping(f->health);
    set_all(f, false, "gone");
    g_assert_cmpuint(count_logged(f, begun), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, test) g_test_add("/health/" name, Fixture, NULL, set_up, test, tear_down)
    ADD("a-start-is-no-outage", test_a_start_is_no_outage);
    ADD("an-outage-is-told-once", test_an_outage_is_told_once);
    ADD("two-servers-are-two-outages", test_two_servers_are_two_outages);
    ADD("a-hope-is-no-end", test_a_hope_is_no_end);
    ADD("a-stop-is-no-outage", test_a_stop_is_no_outage);
    return g_test_run();
}
