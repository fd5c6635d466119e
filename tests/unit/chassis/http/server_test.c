/* The server over loopback sockets: routing, limits, guards, deadlines, drain. */
#include "chassis/core/json.h"
#include "chassis/core/lane.h"
#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/server.h"
#include "http_support.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum {
    MAX_BODY = 1024,
    MAX_WAITING = 2,
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

static const ChWorkOps work_ops = { work_ok, work_ok, work_rollback, work_ok };

typedef struct {
    ChWork work;
    ChHttpQueue *queue;
    ChLane *lane;
    ChHttpServer *server;
    uint16_t port;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool shut;            /* guarded: handlers wait while it is */
    _Atomic int inside;   /* requests in handlers now */
    _Atomic int handled;  /* requests that went through handlers */
    _Atomic bool refuses; /* the gate */
    _Atomic bool away;    /* handlers find their server away */
} Fixture;

static void set_shut(Fixture *f, bool shut)
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

static bool is_inside(void *context)
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

static void setup_with(Fixture *f, int64_t request_timeout_ms)
{
    g_autoptr(GError) error = NULL;
    *f = (Fixture){ .work = { &work_ops }, .queue = ch_http_queue_new("test", MAX_WAITING) };
    pthread_mutex_init(&f->mutex, NULL);
    pthread_cond_init(&f->changed, NULL);
    ch_http_queue_set_gate(f->queue, admit, f);
    const ChHttpRoute routes[] = {
        { "GET", "/inline", echo, f, NULL, false },
        { "POST", "/things", echo, f, f->queue, true },
        { "GET", "/things/{id}", echo, f, f->queue, false },
        { "GET", "/things/special", echo, f, NULL, false },
        { "DELETE", "/things/{id}", echo, f, f->queue, false },
        { "GET", "/things/{id}/parts", echo, f, f->queue, false },
    };
    ChHttpServerConfig config = { .listen = { "127.0.0.1", 0 },
                                  .routes = routes,
                                  .routes_n = G_N_ELEMENTS(routes),
                                  .max_body_bytes = MAX_BODY,
                                  .request_timeout_ms = request_timeout_ms };
    f->server = ch_http_server_new(&config, &error);
    g_assert_no_error(error);
    g_assert_true(ch_http_server_start(f->server, &error));
    f->port = ch_http_server_port(f->server);
    f->lane = ch_lane_new(&(ChLaneConfig){ .name = "test-lane",
                                           .max_batch = BATCH,
                                           .source = ch_http_queue_source(f->queue),
                                           .work = &f->work,
                                           .handler = ch_http_queue_handle });
    g_assert_true(ch_lane_start(f->lane, &error));
}

static void setup(Fixture *f, gconstpointer unused)
{
    (void)unused;
    setup_with(f, 0);
}

static void setup_impatient(Fixture *f, gconstpointer unused)
{
    (void)unused;
    setup_with(f, 300);
}

static void teardown(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, false);
    ch_lane_stop(f->lane);
    g_assert_true(ch_lane_join(f->lane, ch_time_monotonic_us() + 10 * G_USEC_PER_SEC));
    ch_http_server_free(f->server);
    ch_lane_free(f->lane);
    ch_http_queue_free(f->queue);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->mutex);
}

/* ---- routing ---- */

static void assert_answer(Client *client, const char *request, unsigned status, const char *body)
{
    Reply reply;
    client_send_text(client, request);
    g_assert_true(client_read(client, false, &reply));
    g_assert_cmpuint(reply.status, ==, status);
    g_assert_cmpstr(reply.body, ==, body);
    reply_clear(&reply);
}

static void test_routes(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client client = must_connect(f->port);
    assert_answer(&client, "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /inline id=- limit=- body=");
    assert_answer(&client,
                  "POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                  "Content-Length: 2\r\n\r\n{}",
                  200, "POST /things id=- limit=- body={}");
    assert_answer(&client,
                  "POST /things?limit=a+b%2b%C3%A4&x HTTP/1.1\r\nHost: x\r\n"
                  "content-type: application/problem+json; charset=UTF-8\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
                  200, "POST /things id=- limit=a b+\xc3\xa4 body=[1]");
    assert_answer(&client, "GET /things/a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /things/a%2Fb id=a/b limit=- body=");
    assert_answer(&client, "GET http://x:1/things/special HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /things/special id=- limit=- body=");
    assert_answer(&client, "DELETE /things/9 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "DELETE /things/9 id=9 limit=- body=");
    client_close(&client);
}

static void test_head_is_get_without_body(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client client = must_connect(f->port);
    client_send_text(&client, "HEAD /things/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    Reply reply;
    g_assert_true(client_read(&client, true, &reply));
    g_autofree char *length = reply_header(&reply, "content-length");
    g_assert_cmpuint(reply.status, ==, 200);
    g_assert_cmpstr(length, ==, "33");
    reply_clear(&reply);
    assert_answer(&client, "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /inline id=- limit=- body=");
    client_close(&client);
}

static void test_unknown_is_a_problem(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client client = must_connect(f->port);
    client_send_text(
        &client, "GET /nothing HTTP/1.1\r\nHost: x\r\n"
                 "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n");
    Reply reply;
    g_assert_true(client_read(&client, false, &reply));
    g_autofree char *type = reply_header(&reply, "content-type");
    g_assert_cmpstr(type, ==, "application/problem+json");
    g_assert_cmpstr(reply.body, ==,
                    "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                    "\"detail\":\"Nothing is served under this path.\",\"instance\":\"/nothing\","
                    "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\"}");
    g_assert_null(reply_header(&reply, "server"));
    reply_clear(&reply);
    client_send_text(&client, "PUT /things/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    g_assert_true(client_read(&client, false, &reply));
    g_autofree char *allow = reply_header(&reply, "allow");
    g_assert_cmpuint(reply.status, ==, 405);
    g_assert_cmpstr(allow, ==, "GET, HEAD, DELETE");
    reply_clear(&reply);
    client_close(&client);
}

static void test_bad_targets(Fixture *f, gconstpointer unused)
{
    (void)unused;
    static const struct {
        const char *target;
        unsigned status;
    } rows[] = {
        { "/things/%2e%2e", 400 },     { "/things/..", 400 },
        { "/things/%2E", 400 },        { "/things/%00", 400 },
        { "/things/a%0d%0ab", 400 },   { "/things/%zz", 400 },
        { "/things/%4", 400 },         { "/things/%ff", 400 },
        { "/things/%c0%ae", 400 },     { "/things/", 404 },
        { "//things/1", 404 },         { "/things/1/", 404 },
        { "/a/b/c/d/e/f/g/h/i", 404 }, { "*", 400 },
        { "/things/1?x=%", 400 },      { "/things/1?x=%00", 400 },
        { "/things/1?&&x", 200 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strdup_printf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", rows[i].target);
        g_test_message("%s", rows[i].target);
        g_assert_cmpuint(status_of(f->port, text), ==, rows[i].status);
    }
}

static void test_pipelined(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client client = must_connect(f->port);
    client_send_text(&client, "GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n"
                              "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n"
                              "GET /things/3 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_answer(&client, "", 200, "GET /things/1 id=1 limit=- body=");
    assert_answer(&client, "", 200, "GET /inline id=- limit=- body=");
    assert_answer(&client, "", 200, "GET /things/3 id=3 limit=- body=");
    client_close(&client);
}

/* ---- bodies ---- */

static char *post(const char *headers, size_t bytes, char fill)
{
    g_autofree char *body = g_strnfill(bytes, fill);
    return g_strdup_printf("POST /things HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n%s",
                           headers, bytes, body);
}

static void test_long_bodies(Fixture *f, gconstpointer unused)
{
    (void)unused;
    static const char json[] = "Content-Type: application/json\r\n";
    g_autofree char *fits = post(json, MAX_BODY, '1');
    g_autofree char *too_long = post(json, MAX_BODY + 1, '1');
    g_autofree char *far_too_long = post(json, MAX_BODY * 20, '1');
    g_assert_cmpuint(status_of(f->port, fits), ==, 200);
    Client client = must_connect(f->port); /* read to its end, so the connection goes on */
    for (int i = 0; i < 3; i++) {
        Reply reply;
        client_send_text(&client, too_long);
        g_assert_true(client_read(&client, false, &reply));
        g_assert_cmpuint(reply.status, ==, 413);
        reply_clear(&reply);
    }
    client_close(&client);
    client = must_connect(f->port); /* answered from the head alone */
    size_t head_bytes = (size_t)(strstr(far_too_long, "\r\n\r\n") - far_too_long) + 4;
    g_assert_true(client_send(&client, far_too_long, head_bytes));
    Reply reply;
    g_assert_true(client_read(&client, false, &reply));
    g_assert_cmpuint(reply.status, ==, 413);
    reply_clear(&reply);
    g_assert_true(client_sees_end(&client));
    client_close(&client);
    g_assert_cmpuint(status_of(f->port,
                               "POST /things HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                               "Content-Length: 9999999\r\n\r\n"),
                     ==, 413);
    g_assert_cmpuint(status_of(f->port, "POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: "
                                        "99999999999999999999999999999999\r\n\r\n"),
                     ==, 413);
}

static void test_long_heads(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autofree char *fill = g_strnfill(20000, 'x');
    g_autofree char *header =
        g_strdup_printf("GET /inline HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", fill);
    g_autofree char *target = g_strdup_printf("GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", fill);
    g_assert_cmpuint(status_of(f->port, header), ==, 431);
    g_assert_cmpuint(status_of(f->port, target), ==, 414);
    fill[8000] = '\0';
    g_autofree char *fits =
        g_strdup_printf("GET /inline HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", fill);
    g_assert_cmpuint(status_of(f->port, fits), ==, 200);
}

static void test_endless_chunks(Fixture *f, gconstpointer unused)
{
    (void)unused;
    GString *text =
        g_string_new("POST /things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                     "Content-Type: application/json\r\n\r\n");
    for (int i = 0; i < MAX_BODY / 8; i++)
        g_string_append(text, "10\r\n0123456789abcdef\r\n");
    g_string_append(text, "0\r\n\r\n");
    g_assert_cmpuint(status_of(f->port, text->str), ==, 413);
    g_string_truncate(text, text->len - 5);
    Client client = must_connect(f->port);
    while (client_send(&client, text->str, text->len)) /* until it is cut */
        continue;
    client_close(&client);
    g_string_free(text, TRUE);
}

static void test_media_types(Fixture *f, gconstpointer unused)
{
    (void)unused;
    static const struct {
        const char *headers;
        unsigned status;
    } rows[] = {
        { "Content-Type: application/json\r\n", 200 },
        { "Content-Type: Application/JSON;charset=utf-8\r\n", 200 },
        { "Content-Type: application/merge-patch+json\r\n", 200 },
        { "Content-Type: application/json; charset=\"utf-8\"; x=y\r\n", 200 },
        { "Content-Type: application/json; charset=latin1\r\n", 415 },
        { "Content-Type: text/plain\r\n", 415 },
        { "Content-Type: application/jsonx\r\n", 415 },
        { "Content-Type:\r\n", 415 },
        { "", 415 },
        { "Content-Type: application/json\r\nContent-Encoding: gzip\r\n", 415 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = post(rows[i].headers, 1, '1');
        g_test_message("%s", rows[i].headers);
        g_assert_cmpuint(status_of(f->port, text), ==, rows[i].status);
    }
    g_assert_cmpuint(status_of(f->port, "POST /things HTTP/1.1\r\nHost: x\r\n\r\n"), ==, 200);
}

/* ---- smuggling ---- */

static void test_ambiguous_heads_are_refused(Fixture *f, gconstpointer unused)
{
    (void)unused;
    static const char *const rows[] = {
        "Host: x\r\nContent-Length: 3\r\nContent-Length: 7\r\n\r\nabc",
        "Host: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "Host: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "Host: x\r\nContent-Length: 3\r\nTransfer-Encoding: identity\r\n\r\nabc",
        "Host: x\r\nTransfer-Encoding: identity\r\n\r\nabc",
        "Host: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "Host: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Host: x\r\nContent-Length : 3\r\n\r\nabc",
        "Host: x\r\nContent-Length\t: 3\r\n\r\nabc",
        "Host: x\r\nContent-Length: +3\r\n\r\nabc",
        "Host: x\r\nContent-Length: 3x\r\n\r\nabc",
        "Host: x\r\nContent-Length: -3\r\n\r\nabc",
        "Host: x\r\nContent-Length: 3, 3\r\n\r\nabc",
        "Host: x\r\nHost: y\r\nContent-Length: 3\r\n\r\nabc",
        "Content-Length: 3\r\n\r\nabc",
        "Host: x\r\nX(y): 1\r\n\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "POST /things HTTP/1.1\r\n%sGET /inline HTTP/1.1\r\nHost: x\r\n\r\n", rows[i]);
        g_test_message("%s", rows[i]);
        Client client = must_connect(f->port);
        Reply reply;
        client_send_text(&client, text);
        g_assert_true(client_read(&client, false, &reply));
        g_assert_cmpuint(reply.status, ==, 400);
        reply_clear(&reply);
        g_assert_true(client_sees_end(&client));
        client_close(&client);
    }
    g_assert_cmpint(atomic_load(&f->handled), ==, 0);
}

static void test_versions(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_assert_cmpuint(status_of(f->port, "GET /inline HTTP/1.0\r\n\r\n"), ==, 200);
    g_assert_cmpuint(
        status_of(f->port, "POST /things HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), ==, 400);
    Client client = must_connect(f->port);
    client_send(&client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    Reply reply;
    if (client_read(&client, false, &reply)) {
        g_assert_cmpuint(reply.status, >=, 400);
        reply_clear(&reply);
    }
    client_close(&client);
}

/* ---- lanes ---- */

static void test_guilty_alone(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, true);
    Client first = must_connect(f->port);
    Client bad = must_connect(f->port);
    Client good = must_connect(f->port);
    client_send_text(&first, "GET /things/0 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(is_inside, f); /* the next two make one batch */
    g_autofree char *post_bad =
        g_strdup("POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 "Content-Length: 3\r\n\r\nbad");
    client_send_text(&bad, post_bad);
    client_send_text(&good, "POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                            "Content-Type: application/json\r\n\r\n{}");
    set_shut(f, false);
    assert_answer(&first, "", 200, "GET /things/0 id=0 limit=- body=");
    assert_answer(&good, "", 200, "POST /things id=- limit=- body={}");
    Reply reply;
    g_assert_true(client_read(&bad, false, &reply));
    g_assert_cmpuint(reply.status, ==, 500);
    g_assert_null(strstr(reply.body, "database"));
    reply_clear(&reply);
    client_close(&first);
    client_close(&bad);
    client_close(&good);
}

static void assert_unavailable(Client *client, const char *retry_after)
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

static void test_unavailable(Fixture *f, gconstpointer unused)
{
    (void)unused;
    atomic_store(&f->away, true);
    Client client = must_connect(f->port);
    client_send_text(&client, "GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_unavailable(&client, NULL);
    client_send_text(&client, "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_unavailable(&client, NULL);
    atomic_store(&f->away, false);
    assert_answer(&client, "GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /things/1 id=1 limit=- body=");
    client_close(&client);
}

/* As many as libmicrohttpd asks epoll for at a time: its own thread then waits for one more. */
static void test_128_ready_at_once(Fixture *f, gconstpointer unused)
{
    (void)unused;
    enum {
        CLIENTS = 128
    };
    static const char request[] = "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char body[] = "GET /inline id=- limit=- body=";
    Client clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = must_connect(f->port);
        assert_answer(&clients[i], request, 200, body);
    }
    Client first = must_connect(f->port);
    set_shut(f, true);
    client_send_text(&first, request);
    wait_until(is_inside, f); /* the server's thread is busy; all others become ready meanwhile */
    for (size_t i = 0; i < CLIENTS; i++)
        client_send_text(&clients[i], request);
    set_shut(f, false);
    assert_answer(&first, "", 200, body);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_answer(&clients[i], "", 200, body);
        client_close(&clients[i]);
    }
    client_close(&first);
}

static void test_gate(Fixture *f, gconstpointer unused)
{
    (void)unused;
    atomic_store(&f->refuses, true);
    Client client = must_connect(f->port);
    client_send_text(&client, "POST /things HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_unavailable(&client, "7");
    assert_answer(&client, "GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /things/1 id=1 limit=- body=");
    client_close(&client);
}

static void test_full_queue(Fixture *f, gconstpointer unused)
{
    (void)unused;
    enum {
        CLIENTS = MAX_WAITING + 3
    }; /* one in the handler, MAX_WAITING wait, two are refused */
    set_shut(f, true);
    Client clients[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = must_connect(f->port);
        client_send_text(&clients[i], "GET /things/0 HTTP/1.1\r\nHost: x\r\n\r\n");
        if (i == 0)
            wait_until(is_inside, f);
    }
    /* Which are refused is for the server to choose, but these are refused while others wait. */
    struct pollfd ready[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++)
        ready[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
    int refused = 0;
    while (refused < 2) {
        g_assert_cmpint(poll(ready, CLIENTS, SUPPORT_DEADLINE_MS), >, 0);
        for (size_t i = 0; i < CLIENTS; i++) {
            if (ready[i].revents == 0)
                continue;
            assert_unavailable(&clients[i], NULL);
            ready[i].fd = -1;
            refused++;
        }
    }
    g_assert_cmpint(refused, ==, 2);
    set_shut(f, false);
    for (size_t i = 0; i < CLIENTS; i++) {
        if (ready[i].fd >= 0)
            assert_answer(&clients[i], "", 200, "GET /things/0 id=0 limit=- body=");
        client_close(&clients[i]);
    }
}

/* ---- deadlines ---- */

static void test_waiting_too_long(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, true);
    Client stuck = must_connect(f->port);
    client_send_text(&stuck, "GET /things/0 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(is_inside, f);
    Client waiting = must_connect(f->port);
    client_send_text(&waiting, "GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_unavailable(&stuck, NULL);   /* in a lane's hands */
    assert_unavailable(&waiting, NULL); /* in the queue */
    set_shut(f, false);
    assert_answer(&stuck, "GET /things/2 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /things/2 id=2 limit=- body=");
    g_assert_cmpint(atomic_load(&f->handled), ==, 2); /* the one that waited was dropped unread */
    client_close(&stuck);
    client_close(&waiting);
}

static void test_slow_requests_are_cut(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client silent = must_connect(f->port);
    Client head = must_connect(f->port);
    Client body = must_connect(f->port);
    client_send_text(&body, "POST /things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                            "Content-Length: 100\r\n\r\n");
    client_send_text(&head, "POST /things HTTP/1.1\r\nX: ");
    bool open = true;
    int64_t deadline_us = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    while (open) { /* drips, which keeps an idle time-out from firing */
        g_assert_cmpint(g_get_monotonic_time(), <, deadline_us);
        g_usleep(20000);
        bool head_open = client_send(&head, "x", 1);
        bool body_open = client_send(&body, "1", 1);
        open = head_open || body_open;
    }
    g_assert_true(client_sees_end(&silent));
    client_close(&silent);
    client_close(&head);
    client_close(&body);
}

static void test_gone_client(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, true);
    Client gone = must_connect(f->port);
    client_send_text(&gone, "GET /things/0 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(is_inside, f);
    client_close(&gone);
    set_shut(f, false);
    Client client = must_connect(f->port);
    assert_answer(&client, "GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "GET /things/1 id=1 limit=- body=");
    client_close(&client);
}

/* ---- the end ---- */

static void *drain(void *context)
{
    Fixture *f = context;
    bool drained = ch_http_server_drain(f->server, ch_time_monotonic_us() + 10 * G_USEC_PER_SEC);
    return GINT_TO_POINTER(drained);
}

static bool refuses_connections(void *context)
{
    Fixture *f = context;
    ChHttpServerConfig config = { .listen = { "127.0.0.1", f->port } };
    g_autoptr(ChHttpServer) second = ch_http_server_new(&config, NULL);
    return second != NULL; /* the port is free again */
}

static void test_drain(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, true);
    Client client = must_connect(f->port);
    client_send_text(&client, "GET /things/0 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(is_inside, f);
    pthread_t thread;
    g_assert_cmpint(pthread_create(&thread, NULL, drain, f), ==, 0);
    wait_until(refuses_connections, f);
    set_shut(f, false);
    Reply reply;
    g_assert_true(client_read(&client, false, &reply));
    g_autofree char *connection = reply_header(&reply, "connection");
    g_assert_cmpuint(reply.status, ==, 200);
    g_assert_cmpstr(connection, ==, "close");
    reply_clear(&reply);
    g_assert_true(client_sees_end(&client));
    void *drained = NULL;
    pthread_join(thread, &drained);
    g_assert_true(GPOINTER_TO_INT(drained));
    client_close(&client);
}

static void test_stop_answers_what_waits(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, true);
    Client client = must_connect(f->port);
    client_send_text(&client, "GET /things/0 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(is_inside, f);
    g_assert_false(ch_http_server_drain(f->server, ch_time_monotonic_us() + 1000));
    ch_http_server_stop(f->server);
    assert_unavailable(&client, NULL);
    client_close(&client); /* the lane settles its request in the teardown */
}

static void test_address_in_use(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autoptr(GError) error = NULL;
    ChHttpServerConfig config = { .listen = { "127.0.0.1", f->port } };
    g_autoptr(ChHttpServer) second = ch_http_server_new(&config, &error);
    g_assert_null(second);
    g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("server-test", CH_LOG_ERROR);
    ch_log_set_output(open("/dev/null", O_WRONLY | O_CLOEXEC));
    static const struct {
        const char *name;
        void (*setup)(Fixture *, gconstpointer);
        void (*test)(Fixture *, gconstpointer);
    } tests[] = {
        { "/server/routes", setup, test_routes },
        { "/server/head-is-get-without-body", setup, test_head_is_get_without_body },
        { "/server/unknown-is-a-problem", setup, test_unknown_is_a_problem },
        { "/server/bad-targets", setup, test_bad_targets },
        { "/server/pipelined", setup, test_pipelined },
        { "/server/long-bodies", setup, test_long_bodies },
        { "/server/long-heads", setup, test_long_heads },
        { "/server/endless-chunks", setup, test_endless_chunks },
        { "/server/media-types", setup, test_media_types },
        { "/server/ambiguous-heads-are-refused", setup, test_ambiguous_heads_are_refused },
        { "/server/versions", setup, test_versions },
        { "/server/guilty-alone", setup, test_guilty_alone },
        { "/server/unavailable", setup, test_unavailable },
        { "/server/128-ready-at-once", setup, test_128_ready_at_once },
        { "/server/gate", setup, test_gate },
        { "/server/full-queue", setup, test_full_queue },
        { "/server/waiting-too-long", setup_impatient, test_waiting_too_long },
        { "/server/slow-requests-are-cut", setup_impatient, test_slow_requests_are_cut },
        { "/server/gone-client", setup, test_gone_client },
        { "/server/drain", setup, test_drain },
        { "/server/stop-answers-what-waits", setup, test_stop_answers_what_waits },
        { "/server/address-in-use", setup, test_address_in_use },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, tests[i].setup, tests[i].test, teardown);
    return g_test_run();
}
