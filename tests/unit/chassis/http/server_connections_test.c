/* The server's connections: whose place is given to others when all are taken, and whose is not. */
#include "server_fixture.h"

#include <netinet/in.h>
#include <sys/socket.h>

static const char half_a_head[] = "GET /inline HTTP/1.1\r\nHost: x\r\nX";
static const char whole_head[] = "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n";

/* They have asked once and stay, as browsers do; nobody waits for a minute because of them. */
static void test_idle_connections_make_room(Fixture *f, gconstpointer unused)
{
    (void)unused;
    static const char question[] = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
    Client idle[FEW_CONNECTIONS];
    for (int i = 0; i < FEW_CONNECTIONS; i++) {
        idle[i] = must_connect(f->port);
        client_send_text(&idle[i], question);
        Reply reply;
        g_assert_true(client_read(&idle[i], false, &reply));
        g_assert_cmpuint(reply.status, ==, 404);
        reply_clear(&reply);
    }
    g_assert_cmpuint(status_of(f->port, question), ==, 404);
    for (int i = 0; i < FEW_CONNECTIONS; i++)
        client_close(&idle[i]);
}

/* One whose request waits for a handler is not idle, however many others want its place. */
static void test_busy_connections_stay(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, true);
    Client busy = must_connect(f->port);
    client_send_text(&busy, "GET /things/7 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(is_inside, f);
    test_idle_connections_make_room(f, NULL);
    set_shut(f, false);
    assert_answer(&busy, "", 200, "GET /things/7 id=7 limit=- body=");
    client_close(&busy);
}

static void assert_served_within(Fixture *f, int64_t limit_us)
{
    int64_t started_us = g_get_monotonic_time();
    g_assert_cmpuint(status_of(f->port, whole_head), ==, 200);
    g_assert_cmpint(g_get_monotonic_time() - started_us, <, limit_us);
}

/* The end comes together with the bytes, so that nothing more happens on the connection. */
static void test_half_heads_of_clients_that_left_take_no_room(Fixture *f, gconstpointer unused)
{
    (void)unused;
    for (int i = 0; i < 4 * FEW_CONNECTIONS; i++) {
        Client client = must_connect(f->port);
        client_send_text(&client, half_a_head);
        client_close(&client);
    }
    assert_served_within(f, 5 * G_USEC_PER_SEC);
}

/* A client that says that it has nothing more to send, but waits for its answer, gets it. */
static void test_half_closed_clients_are_served(Fixture *f, gconstpointer unused)
{
    (void)unused;
    set_shut(f, true);
    Client client = must_connect(f->port);
    client_send_text(&client, "GET /things/7 HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(client.fd, SHUT_WR);
    wait_until(is_inside, f);
    Client other = must_connect(f->port); /* once it is cut, the first was looked at as well */
    client_send_text(&other, half_a_head);
    shutdown(other.fd, SHUT_WR);
    g_assert_true(client_sees_end(&other));
    client_close(&other);
    set_shut(f, false);
    assert_answer(&client, "", 200, "GET /things/7 id=7 limit=- body=");
    client_close(&client);
}

/* One address holds all places with halves of heads; another one's half is kept. */
static void test_half_heads_make_room(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client innocent = must_connect_from(INADDR_LOOPBACK + 1, f->port);
    client_send_text(&innocent, half_a_head);
    Client greedy[2 * FEW_CONNECTIONS];
    for (int i = 0; i < 2 * FEW_CONNECTIONS; i++) {
        greedy[i] = must_connect_from(INADDR_LOOPBACK + 2, f->port);
        client_send_text(&greedy[i], half_a_head);
    }
    assert_served_within(f, 8 * G_USEC_PER_SEC);
    assert_answer(&innocent, ": y\r\n\r\n", 200, "GET /inline id=- limit=- body=");
    client_close(&innocent);
    for (int i = 0; i < 2 * FEW_CONNECTIONS; i++)
        client_close(&greedy[i]);
}

int main(int argc, char **argv)
{
    static const ServerTest tests[] = {
        { "/server/idle-connections-make-room", setup_small, test_idle_connections_make_room },
        { "/server/half-heads-of-clients-that-left-take-no-room", setup_small,
          test_half_heads_of_clients_that_left_take_no_room },
        { "/server/half-closed-clients-are-served", setup, test_half_closed_clients_are_served },
        { "/server/half-heads-make-room", setup_small, test_half_heads_make_room },
        { "/server/busy-connections-stay", setup_small, test_busy_connections_stay },
    };
    return run_server_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
