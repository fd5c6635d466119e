/* Requests that wait: rounds, ends, limits. */
#include "chassis/http/waits.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/http/lane.h"
#include "chassis/http/request.h"
#include "chassis/http/server.h"
#include "http_support.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

enum {
    MAX_WAITS = 3,
    MAX_QUEUED = 16,
    BATCH = 2, /* fewer than wait: a round has more than one batch */
    REQUEST_MS = 300,
};

typedef struct {
    ChWork work;
    ChHttpLane *lane;
    ChHttpWaits *waits;
    ChLane *threads[2]; /* of the lane, of the waits */
    ChHttpServer *server;
    uint16_t port;
    _Atomic int wait_ms;   /* of requests that come */
    _Atomic bool happened; /* what they wait for */
    _Atomic bool away;     /* looking finds its server away */
    _Atomic bool odd;      /* looking fails for whoever has the id "odd" */
    _Atomic int looks;     /* requests that were looked at */
} Fixture;

/* ---- a unit of work that does nothing, and two handlers ---- */

static bool work_ok(ChWork *work G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    return true;
}

static void work_rollback(ChWork *work G_GNUC_UNUSED)
{
}

static const ChWorkOps work_ops = { work_ok, work_ok, work_rollback, work_ok, NULL };

static bool leave_all(void *context, ChHttpRequest *const *requests, size_t n,
                      GError **error G_GNUC_UNUSED)
{
    Fixture *f = context;
    for (size_t i = 0; i < n; i++)
        ch_http_waits_for(f->waits, requests[i],
                          ch_time_monotonic_us() + INT64_C(1000) * atomic_load(&f->wait_ms));
    return true;
}

static bool is_odd(const ChHttpRequest *request)
{
    return strcmp(ch_http_request_param(request, "id"), "odd") == 0;
}

static bool look(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    Fixture *f = context;
    g_assert_cmpuint(n, <=, BATCH);
    atomic_fetch_add(&f->looks, (int)n);
    if (atomic_load(&f->away)) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (atomic_load(&f->odd) && is_odd(requests[i])) {
            g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the database dislikes it");
            return false;
        }
        bool happened = atomic_load(&f->happened);
        if (happened || ch_http_waits_is_over(requests[i]))
            ch_http_respond_text(requests[i], 200, "text/plain",
                                 g_string_new(happened ? "happened" : "over"));
    }
    return true;
}

/* ---- the fixture ---- */

static const ChHttpLaneKind lanes[] = { { "test", "Fixture" } };
static const ChHttpRoute routes[] = {
    { "GET", "/things/{id}", "getThing", 0, 0, leave_all, "", CH_HTTP_PUBLIC },
};
static const ChHttpRouteTable table = { routes, G_N_ELEMENTS(routes), lanes, G_N_ELEMENTS(lanes),
                                        NULL };

static ChLane *must_start(Fixture *f, const char *name, size_t batch, ChSource *source,
                          ChHandler handler, void *context)
{
    g_autoptr(GError) error = NULL;
    ChLane *lane = ch_lane_new(&(ChLaneConfig){ .name = name,
                                                .max_batch = batch,
                                                .source = source,
                                                .work = &f->work,
                                                .handler = handler,
                                                .context = context });
    g_assert_true(ch_lane_start(lane, &error));
    return lane;
}

static void setup(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    *f = (Fixture){ .work = { &work_ops }, .wait_ms = 60 * 1000 };
    f->lane = ch_http_lane_new("test", MAX_QUEUED, f);
    f->waits = ch_http_waits_new(MAX_WAITS, look, f);
    const ChHttpBinding binding = { &table, &f->lane, f };
    const ChHttpServerConfig config = { .listen = { "127.0.0.1", 0 },
                                        .bindings = &binding,
                                        .bindings_n = 1,
                                        .request_timeout_ms = REQUEST_MS };
    f->server = ch_http_server_new(&config, &error);
    g_assert_no_error(error);
    g_assert_true(ch_http_server_start(f->server, &error));
    f->port = ch_http_server_port(f->server);
    ChSource *source = ch_http_lane_source(f->lane);
    f->threads[0] = must_start(f, "test", MAX_QUEUED, source, ch_http_lane_run, source);
    f->threads[1] =
        must_start(f, "waits", BATCH, ch_http_waits_source(f->waits), ch_http_waits_run, f->waits);
}

static void teardown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_http_server_free(f->server);
    for (size_t i = 0; i < G_N_ELEMENTS(f->threads); i++) {
        ch_lane_stop(f->threads[i]);
        g_assert_true(ch_lane_join(f->threads[i], ch_time_monotonic_us() + 10 * G_USEC_PER_SEC));
        ch_lane_free(f->threads[i]);
    }
    ch_http_waits_free(f->waits);
    ch_http_lane_free(f->lane);
}

static Client must_ask(const Fixture *f, const char *id)
{
    g_autofree char *request = g_strdup_printf("GET /things/%s HTTP/1.1\r\nHost: x\r\n\r\n", id);
    Client client = must_connect(f->port);
    client_send_text(&client, request);
    return client;
}

static void assert_answer(Client *client, unsigned status, const char *body)
{
    Reply reply;
    g_assert_true(client_read(client, false, &reply));
    g_assert_cmpuint(reply.status, ==, status);
    if (body != NULL)
        g_assert_cmpstr(reply.body, ==, body);
    reply_clear(&reply);
    client_close(client);
}

static bool was_looked_at(void *context)
{
    return atomic_load(&((Fixture *)context)->looks) >= MAX_WAITS * 2;
}

/* Fills the place, and waits until all were looked at. */
static void must_fill(Fixture *f, Client clients[MAX_WAITS])
{
    for (size_t i = 0; i < MAX_WAITS; i++)
        clients[i] = must_ask(f, "1");
    wait_until(was_looked_at, f);
}

/* ---- tests ---- */

static void test_answered_when_it_happens(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    Client clients[MAX_WAITS];
    must_fill(f, clients);
    atomic_store(&f->happened, true);
    for (size_t i = 0; i < MAX_WAITS; i++)
        assert_answer(&clients[i], 200, "happened");
}

/* Looks of an idle lane, as often as it likes, put nothing off. */
static void test_answered_after_idle_looks(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ChSource *source = ch_http_waits_source(f->waits);
    void *items[BATCH];
    size_t n = 1;
    for (int look = 0; look < 3; look++) {
        g_assert_true(source->ops->take(source, items, BATCH, 0, &n, NULL));
        g_assert_cmpuint(n, ==, 0);
    }
    atomic_store(&f->happened, true);
    Client client = must_ask(f, "1");
    assert_answer(&client, 200, "happened");
}

/* Longer than a request may take otherwise. */
static void test_answered_when_over(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    atomic_store(&f->wait_ms, 3 * REQUEST_MS);
    int64_t start_us = ch_time_monotonic_us();
    Client client = must_ask(f, "1");
    assert_answer(&client, 200, "over");
    g_assert_cmpint(ch_time_monotonic_us() - start_us, >=, 3 * REQUEST_MS * 1000);
}

static void test_refused_when_full(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    Client clients[MAX_WAITS];
    must_fill(f, clients);
    Client one_more = must_ask(f, "1");
    assert_answer(&one_more, 503, NULL);
    atomic_store(&f->happened, true);
    for (size_t i = 0; i < MAX_WAITS; i++)
        assert_answer(&clients[i], 200, "happened");
    Client next = must_ask(f, "1"); /* there is room again */
    assert_answer(&next, 200, "happened");
}

/* Whether one more is let in; it does not wait for long. */
static bool has_room(void *context)
{
    Fixture *f = context;
    Reply reply;
    Client client = must_ask(f, "1");
    g_assert_true(client_read(&client, false, &reply));
    bool served = reply.status == 200;
    reply_clear(&reply);
    client_close(&client);
    return served;
}

/* Their places are free without anything happening, and without their time being over. */
static void test_gone_clients_leave_room(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    Client clients[MAX_WAITS];
    must_fill(f, clients);
    for (size_t i = 0; i < MAX_WAITS; i++)
        client_close(&clients[i]);
    atomic_store(&f->wait_ms, 1);
    wait_until(has_room, f);
}

static void test_end_answers_all(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    Client clients[MAX_WAITS];
    must_fill(f, clients);
    ch_http_waits_end(f->waits);
    for (size_t i = 0; i < MAX_WAITS; i++)
        assert_answer(&clients[i], 200, "over");
    Client late = must_ask(f, "1");
    assert_answer(&late, 200, "over");
    g_assert_true(ch_http_server_drain(f->server, ch_time_monotonic_us() + 10 * G_USEC_PER_SEC));
}

static void test_stop_answers_what_waits(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    Client clients[MAX_WAITS];
    must_fill(f, clients);
    ch_http_server_stop(f->server);
    for (size_t i = 0; i < MAX_WAITS; i++)
        assert_answer(&clients[i], 503, NULL);
}

static void test_unavailable(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    Client clients[MAX_WAITS];
    must_fill(f, clients);
    atomic_store(&f->away, true);
    for (size_t i = 0; i < MAX_WAITS; i++)
        assert_answer(&clients[i], 503, NULL);
    atomic_store(&f->away, false);
    atomic_store(&f->happened, true);
    Client next = must_ask(f, "1");
    assert_answer(&next, 200, "happened");
}

static void test_guilty_alone(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    Client odd = must_ask(f, "odd");
    Client good = must_ask(f, "1");
    atomic_store(&f->odd, true);
    assert_answer(&odd, 500, NULL);
    atomic_store(&f->happened, true);
    assert_answer(&good, 200, "happened");
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Fixture *f, gconstpointer unused);
    } tests[] = {
        { "/waits/answered-when-it-happens", test_answered_when_it_happens },
        { "/waits/answered-after-idle-looks", test_answered_after_idle_looks },
        { "/waits/answered-when-over", test_answered_when_over },
        { "/waits/refused-when-full", test_refused_when_full },
        { "/waits/gone-clients-leave-room", test_gone_clients_leave_room },
        { "/waits/end-answers-all", test_end_answers_all },
        { "/waits/stop-answers-what-waits", test_stop_answers_what_waits },
        { "/waits/unavailable", test_unavailable },
        { "/waits/guilty-alone", test_guilty_alone },
    };
    g_test_init(&argc, &argv, NULL);
    ch_log_init("waits-test", CH_LOG_ERROR);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, setup, tests[i].test, teardown);
    return g_test_run();
}
