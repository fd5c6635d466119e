/* The server over loopback sockets: routing, limits, ambiguous requests. */
#include "server_fixture.h"

#include "chassis/telemetry/metrics.h"

#include <string.h>

static const char whole_head[] = "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n";

/* ---- routing ---- */

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

static bool is_counted(void *expected)
{
    GString *text = ch_metrics_render();
    bool found = strstr(text->str, expected) != NULL;
    g_string_free(text, TRUE);
    return found;
}

static void wait_counted(const char *expected)
{
    wait_until(is_counted, (void *)expected);
}

/* The end of a request is counted after its answer is on its way. */
static void test_counted_by_route(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client client = must_connect(f->port);
    assert_answer(&client, "DELETE /things/9 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "DELETE /things/9 id=9 limit=- body=");
    client_close(&client);
    wait_counted("\ncartwheel_http_requests_total{route=\"DELETE /things/{id}\",status=\"2xx\"} ");
    wait_counted("\ncartwheel_http_request_seconds_count{route=\"DELETE /things/{id}\"} ");
    wait_counted(
        "\ncartwheel_http_requests_total{route=\"GET /things/{id}/parts\",status=\"5xx\"} 0\n");
    client = must_connect(f->port);
    client_send_text(&client, "GET /what-nobody-serves/9 HTTP/1.1\r\nHost: x\r\n\r\n");
    Reply reply;
    g_assert_true(client_read(&client, false, &reply));
    g_assert_cmpuint(reply.status, ==, 404);
    reply_clear(&reply);
    client_close(&client);
    wait_counted("\ncartwheel_http_requests_total{route=\"none\",status=\"4xx\"} ");
    g_assert_false(is_counted((void *)"what-nobody-serves"));
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
                    "{\"type\":\"urn:cartwheel:problem:unknown-path\",\"title\":\"Unknown path\","
                    "\"status\":404,"
                    "\"detail\":\"Nothing is served under this path.\",\"instance\":\"/nothing\","
                    "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\"}");
    g_assert_null(reply_header(&reply, "server"));
    reply_clear(&reply);
    client_send_text(&client, "PUT /things/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    g_assert_true(client_read(&client, false, &reply));
    g_autofree char *allow = reply_header(&reply, "allow");
    g_assert_cmpuint(reply.status, ==, 405);
    g_assert_cmpstr(allow, ==, "GET, HEAD, DELETE, OPTIONS");
    reply_clear(&reply);
    client_close(&client);
}

static void test_options(Fixture *f, gconstpointer unused)
{
    (void)unused;
    Client client = must_connect(f->port);
    Reply reply;
    client_send_text(&client, "OPTIONS /things/1?what=ever HTTP/1.1\r\nHost: x\r\n\r\n");
    g_assert_true(client_read(&client, false, &reply));
    g_autofree char *allow = reply_header(&reply, "allow");
    g_assert_cmpuint(reply.status, ==, 204);
    g_assert_cmpstr(allow, ==, "GET, HEAD, DELETE, OPTIONS");
    g_assert_cmpstr(reply.body, ==, "");
    reply_clear(&reply);
    client_send_text(&client, "OPTIONS /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    g_assert_true(client_read(&client, false, &reply));
    g_assert_cmpuint(reply.status, ==, 404);
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

/* @begin and a number and @end, @n times. */
static char *repeated(const char *begin, const char *end, int n)
{
    GString *all = g_string_new(NULL);
    for (int i = 0; i < n; i++)
        g_string_append_printf(all, "%s%d%s", begin, i, end);
    return g_string_free(all, FALSE);
}

/* What libmicrohttpd cuts up takes more room in its pool than it took on the wire. LeakSanitizer
 * tells when one of these requests is forgotten. */
static void test_heads_of_many_parts(Fixture *f, gconstpointer unused)
{
    (void)unused;
    g_autofree char *path = g_strnfill(3000, 'x');
    g_autofree char *cookies = repeated("c", "=v; ", 300);
    g_autofree char *with_cookies =
        g_strdup_printf("GET /%s HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n", path, cookies);
    g_autofree char *params = repeated("p", "=&", 900);
    g_autofree char *with_params =
        g_strdup_printf("GET /inline?%s HTTP/1.1\r\nHost: x\r\n\r\n", params);
    g_autofree char *many_params = repeated("", "&", 2500);
    g_autofree char *with_many =
        g_strdup_printf("GET /inline?%s HTTP/1.1\r\nHost: x\r\n\r\n", many_params);
    g_autofree char *headers = repeated("h", ":\r\n", 900);
    g_autofree char *with_headers =
        g_strdup_printf("GET /inline HTTP/1.1\r\nHost: x\r\n%s\r\n", headers);
    for (int i = 0; i < 3; i++) {
        g_assert_cmpuint(status_of(f->port, with_cookies), ==, 431);
        g_assert_cmpuint(status_of(f->port, with_params), ==, 414);
        g_assert_cmpuint(status_of(f->port, with_many), ==, 414);
        g_assert_cmpuint(status_of(f->port, with_headers), ==, 431);
    }
    g_assert_cmpuint(
        status_of(f->port, "GET /inline HTTP/1.1\r\nHost: x\r\nCookie: a=b; c\r\n\r\n"), ==, 200);
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
        "Host: x\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\n\r\n",
        "Host: x\r\nIdempotency-Key: a\r\nidempotency-key: a\r\n\r\n",
        "Host: x\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\n\r\n",
        "Host: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
        "Host: x y\r\n\r\n",
        "Host: x/y\r\n\r\n",
        "Host: u@x\r\n\r\n",
        "Host: x\r\n: empty\r\n\r\n",
        "Host: x\r\nX: a\r\n b\r\n\r\n",
        "Host: x\r\nX: a\r\n\tb\r\nY: c\r\n\r\n",
        "Host: x\nX: a\r\n\r\n",
        "Host: x\r\nX: a\n\r\n",
        "Host: x\r\nX: a\r\n\n",
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

static unsigned count_of(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *found = strstr(text, part); found != NULL; found = strstr(found + 1, part))
        n++;
    return n;
}

/* What the library answers itself: never more than one answer, no other request served, the end. */
static void test_answers_of_the_library(Fixture *f, gconstpointer unused)
{
    (void)unused;
    static const struct {
        const char *head;
        const char *status;
        unsigned heads; /* 0.9 writes that of its answer twice when the last header was read */
    } rows[] = {
        { "GET /inline HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", "HTTP/1.1 400 ", 1 },
        { "POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 3x\r\n\r\n", "HTTP/1.1 400 ", 2 },
        { "POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "HTTP/1.1 413 ", 2 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        Client client = must_connect(f->port);
        client_send_text(&client, rows[i].head);
        client_send(&client, whole_head, strlen(whole_head));
        g_test_message("%s", rows[i].head);
        g_assert_true(client_sees_end(&client));
        g_assert_true(g_str_has_prefix(client.received->str, rows[i].status));
        unsigned heads = count_of(client.received->str, "HTTP/1.1 ");
        g_assert_true(heads == 1 || heads == rows[i].heads);
        g_assert_cmpuint(count_of(client.received->str, "<html>"), ==, 1);
        g_assert_nonnull(strstr(client.received->str, "Connection: close\r\n"));
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

int main(int argc, char **argv)
{
    static const ServerTest tests[] = {
        { "/server/routes", setup, test_routes },
        { "/server/counted-by-route", setup, test_counted_by_route },
        { "/server/head-is-get-without-body", setup, test_head_is_get_without_body },
        { "/server/unknown-is-a-problem", setup, test_unknown_is_a_problem },
        { "/server/options", setup, test_options },
        { "/server/bad-targets", setup, test_bad_targets },
        { "/server/pipelined", setup, test_pipelined },
        { "/server/long-bodies", setup, test_long_bodies },
        { "/server/long-heads", setup, test_long_heads },
        { "/server/heads-of-many-parts", setup, test_heads_of_many_parts },
        { "/server/endless-chunks", setup, test_endless_chunks },
        { "/server/media-types", setup, test_media_types },
        { "/server/ambiguous-heads-are-refused", setup, test_ambiguous_heads_are_refused },
        { "/server/answers-of-the-library", setup, test_answers_of_the_library },
        { "/server/versions", setup, test_versions },
    };
    return run_server_tests(argc, argv, tests, G_N_ELEMENTS(tests));
}
