/* A server with a lane behind it. */
#include "server_fixture.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"

#include <fcntl.h>
#include <string.h>

enum {
    BATCH = 16
};

/* ---- a unit of work that does nothing, and a handler that can be told what to do ---- */

static bool work_ok(ChWork *work, GError **error)
{
    (void)work;
    (void)error;
    return true;
}

static void work_rollback(ChWork *work)
{
    (void)work;
}

static const ChWorkOps work_ops = { work_ok, work_ok, work_rollback, work_ok, NULL };

void set_shut(Fixture *f, bool shut)
{
    pthread_mutex_lock(&f->mutex);
    f->shut = shut;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->mutex);
}

static void pass_gate(Fixture *f, size_t n)
{
    atomic_fetch_add(&f->inside, (int)n);
    pthread_mutex_lock(&f->mutex);
    while (f->shut)
        pthread_cond_wait(&f->changed, &f->mutex);
    pthread_mutex_unlock(&f->mutex);
    atomic_fetch_sub(&f->inside, (int)n);
    atomic_fetch_add(&f->handled, (int)n);
}

bool is_inside(void *context)
{
    Fixture *f = context;
    return atomic_load(&f->inside) > 0;
}

/* Echoes what was read; a body of "bad" is one that fails alone. */
static bool echo(void *context, ChHttpRequest *const *requests, size_t n, GError **error)
{
    Fixture *f = context;
    pass_gate(f, n);
    if (atomic_load(&f->away)) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "away");
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        size_t bytes = 0;
        const char *body = ch_http_request_body(requests[i], &bytes);
        const char *id = ch_http_request_param(requests[i], "id");
        const char *limit = ch_http_request_query(requests[i], "limit");
        if (strcmp(body, "bad") == 0) {
            g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the database dislikes it");
            return false;
        }
        GString *text = g_string_new(NULL);
        g_string_append_printf(
            text, "%s %s id=%s limit=%s body=%s", ch_http_request_method(requests[i]),
            ch_http_request_path(requests[i]), id ? id : "-", limit ? limit : "-", body);
        ch_http_respond_text(requests[i], 200, "text/plain", text);
        ch_http_respond_header(requests[i], "X-Batch", "yes");
    }
    return true;
}

static bool admit(void *context, unsigned *retry_after_s)
{
    Fixture *f = context;
    *retry_after_s = 7;
    return !atomic_load(&f->refuses);
}

enum {
    LANE,
};

static const ChHttpLaneKind lanes[] = { [LANE] = { "test", "Fixture" } };

static const ChHttpRoute routes[] = {
    { "GET", "/inline", "getInline", CH_HTTP_INLINE, 0, echo, CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
    { "POST", "/things", "makeThing", LANE, CH_HTTP_GATED, echo, CH_HTTP_ANY_QUERY,
      CH_HTTP_PUBLIC },
    { "GET", "/things/{id}", "getThing", LANE, 0, echo, CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
    { "GET", "/things/special", "getSpecial", CH_HTTP_INLINE, 0, echo, CH_HTTP_ANY_QUERY,
      CH_HTTP_PUBLIC },
    { "DELETE", "/things/{id}", "deleteThing", LANE, 0, echo, CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
    { "GET", "/things/{id}/parts", "listParts", LANE, 0, echo, CH_HTTP_ANY_QUERY, CH_HTTP_PUBLIC },
};

static const ChHttpRouteTable table = { routes, G_N_ELEMENTS(routes), lanes, G_N_ELEMENTS(lanes),
                                        NULL };

static void setup_with(Fixture *f, int64_t request_timeout_ms, unsigned max_connections)
{
    g_autoptr(GError) error = NULL;
    *f = (Fixture){ .work = { &work_ops }, .lane = ch_http_lane_new("test", MAX_WAITING, f) };
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->changed, NULL);
    ch_http_lane_set_gate(f->lane, admit, f);
    const ChHttpBinding binding = { &table, &f->lane, f };
    ChHttpServerConfig config = { .listen = { "127.0.0.1", 0 },
                                  .bindings = &binding,
                                  .bindings_n = 1,
                                  .max_body_bytes = MAX_BODY,
                                  .max_connections = max_connections,
                                  .request_timeout_ms = request_timeout_ms };
    f->server = ch_http_server_new(&config, &error);
    g_assert_no_error(error);
    g_assert_true(ch_http_server_start(f->server, &error));
    f->port = ch_http_server_port(f->server);
    f->thread = ch_lane_new(&(ChLaneConfig){ .name = "test-lane",
                                             .max_batch = BATCH,
                                             .source = ch_http_lane_source(f->lane),
                                             .work = &f->work,
                                             .handler = ch_http_lane_run,
                                             .context = ch_http_lane_source(f->lane) });
    g_assert_true(ch_lane_start(f->thread, &error));
}

void setup(Fixture *f, gconstpointer unused)
{
    (void)unused;
    setup_with(f, 0, 0);
}

void setup_impatient(Fixture *f, gconstpointer unused)
{
    (void)unused;
    setup_with(f, 300, 0);
}

void setup_small(Fixture *f, gconstpointer unused)
{
    (void)unused;
    setup_with(f, 0, FEW_CONNECTIONS);
}

void teardown(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, false);
    ch_lane_stop(f->thread);
    g_assert_true(ch_lane_join(f->thread, ch_time_monotonic_us() + 10 * G_USEC_PER_SEC));
    ch_http_server_free(f->server);
    ch_lane_free(f->thread);
    ch_http_lane_free(f->lane);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
}

void assert_answer(Client *client, const char *request, unsigned status, const char *body)
{
    Reply reply;
    client_send_text(client, request);
    g_assert_true(client_read(client, false, &reply));
    g_assert_cmpuint(reply.status, ==, status);
    g_assert_cmpstr(reply.body, ==, body);
    reply_clear(&reply);
}

void assert_unavailable(Client *client, const char *retry_after)
{
    Reply reply;
    g_assert_true(client_read(client, false, &reply));
    g_autofree char *seconds = reply_header(&reply, "retry-after");
    g_assert_cmpuint(reply.status, ==, 503);
    g_assert_nonnull(seconds);
    if (retry_after != NULL)
        g_assert_cmpstr(seconds, ==, retry_after);
    reply_clear(&reply);
}

int run_server_tests(int argc, char **argv, const ServerTest *tests, size_t n)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("server-test", CH_LOG_ERROR);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    for (size_t i = 0; i < n; i++)
        g_test_add(tests[i].name, Fixture, NULL, tests[i].setup, tests[i].test, teardown);
    return g_test_run();
}
