/* The server and its lanes: batches, deadlines, drain. */
#include "server_fixture.h"

#include "chassis/core/time.h"

#include <poll.h>
#include <string.h>

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
    static const ServerTest tests[] = {
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
    return run_server_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
