/* Health and the admin listener. */
#include "chassis/runtime/admin.h"

#include "../http/http_support.h"
#include "chassis/core/log.h"
#include "chassis/http/request.h"
#include "chassis/telemetry/metrics.h"

#include <string.h>

static void assert_health(ChHealth *health, bool ready, const char *expected)
{
    bool is_ready = false;
    GString *json = ch_health_render(health, true, &is_ready);
    g_assert_cmpstr(json->str, ==, expected);
    g_assert_true(is_ready == ready);
    g_assert_true(ch_health_ready(health) == ready);
    g_string_free(json, TRUE);
}

static void test_health(void)
{
    g_autoptr(ChHealth) health = ch_health_new();
    assert_health(health, true, "{\"status\":\"ready\",\"dependencies\":{}}");
    ChHealthPart *first = ch_health_part(health, "postgres");
    ChHealthPart *broker = ch_health_part(health, "rabbitmq");
    ChHealthPart *second = ch_health_part(health, "postgres");
    assert_health(health, false,
                  "{\"status\":\"not ready\",\"dependencies\":{"
                  "\"postgres\":{\"status\":\"down\",\"detail\":\"starting\"},"
                  "\"rabbitmq\":{\"status\":\"down\",\"detail\":\"starting\"}}}");
    ch_health_set(first, true, NULL);
    ch_health_set(broker, true, NULL);
    ch_health_set(second, false, "gone");
    assert_health(health, false,
                  "{\"status\":\"not ready\",\"dependencies\":{"
                  "\"postgres\":{\"status\":\"down\",\"detail\":\"gone\"},"
                  "\"rabbitmq\":{\"status\":\"ok\"}}}");
    ch_health_set(second, true, NULL);
    assert_health(health, true,
                  "{\"status\":\"ready\",\"dependencies\":{"
                  "\"postgres\":{\"status\":\"ok\"},\"rabbitmq\":{\"status\":\"ok\"}}}");
    ch_health_stopping(health);
    g_assert_false(ch_health_ready(health));
}

static void test_a_warning_is_for_operators(void)
{
    g_autoptr(ChHealth) health = ch_health_new();
    bool is_ready = false;
    ch_health_warn(health, "mind the step");
    assert_health(health, true,
                  "{\"status\":\"ready\",\"dependencies\":{},\"warning\":\"mind the step\"}");
    GString *json = ch_health_render(health, false, &is_ready);
    g_assert_cmpstr(json->str, ==, "{\"status\":\"ready\",\"dependencies\":{}}");
    g_string_free(json, TRUE);
}

static void count(void *times)
{
    ++*(int *)times;
}

static void test_health_of_the_public(void)
{
    g_autoptr(ChHealth) health = ch_health_new();
    ChHealthPart *part = ch_health_part(health, "postgres");
    bool is_ready = true;
    ch_health_set(part, false, "connection to 10.0.0.1, user \"orders\", password \"x\" failed");
    GString *json = ch_health_render(health, false, &is_ready);
    g_assert_cmpstr(
        json->str, ==,
        "{\"status\":\"not ready\",\"dependencies\":{\"postgres\":{\"status\":\"down\"}}}");
    g_assert_false(is_ready);
    g_string_free(json, TRUE);
}

static void test_readiness_is_told_once(void)
{
    g_autoptr(ChHealth) health = ch_health_new();
    ChHealthPart *first = ch_health_part(health, "postgres");
    ChHealthPart *second = ch_health_part(health, "rabbitmq");
    int times = 0;
    ch_health_when_ready(health, count, &times);
    ch_health_set(first, true, NULL);
    g_assert_cmpint(times, ==, 0);
    ch_health_set(second, true, NULL);
    g_assert_cmpint(times, ==, 1);
    ch_health_set(second, false, "gone");
    ch_health_set(second, true, NULL);
    g_assert_cmpint(times, ==, 1);
    ch_health_when_ready(health, count, &times);
    g_assert_cmpint(times, ==, 2);
}

static void assert_get(uint16_t port, const char *path, unsigned status, const char *type,
                       const char *in_body)
{
    g_autofree char *text =
        g_strdup_printf("GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    Client client = must_connect(port);
    Reply reply;
    client_send_text(&client, text);
    g_assert_true(client_read(&client, false, &reply));
    g_autofree char *content_type = reply_header(&reply, "content-type");
    g_assert_cmpuint(reply.status, ==, status);
    g_assert_cmpstr(content_type, ==, type);
    g_assert_nonnull(strstr(reply.body, in_body));
    reply_clear(&reply);
    client_close(&client);
}

static bool answer_extra(void *context G_GNUC_UNUSED, ChHttpRequest *const *requests,
                         size_t n G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
    ch_http_respond_json(requests[0], 200, g_string_new("{\"extra\":true}"));
    return true;
}

static const ChHttpRoute extra_route = {
    "GET", "/extra", "getExtra", CH_HTTP_INLINE, 0, answer_extra, "", CH_HTTP_PUBLIC,
};
static const ChHttpRouteTable extra_routes = { &extra_route, 1, NULL, 0, NULL };

static void test_admin(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ChHealth) health = ch_health_new();
    ChHealthPart *part = ch_health_part(health, "postgres");
    ChListen listen = { "127.0.0.1", 0 };
    const ChHttpBinding extra = { .table = &extra_routes };
    g_autoptr(ChHttpServer) server = ch_admin_new(&listen, NULL, health, &extra, 1, &error);
    g_assert_no_error(error);
    g_assert_true(ch_http_server_start(server, &error));
    uint16_t port = ch_http_server_port(server);
    assert_get(port, "/health/live", 200, "application/json", "live");
    assert_get(port, "/health/ready", 503, "application/json", "\"status\":\"not ready\"");
    ch_health_set(part, true, NULL);
    assert_get(port, "/health/ready", 200, "application/json", "\"status\":\"ready\"");
    assert_get(port, "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8",
               "process_resident_memory_bytes");
    assert_get(port, "/extra", 200, "application/json", "true");
    assert_get(port, "/", 404, "application/problem+json", "Unknown path");
}

/* A process that waits for a server answers its probes 503, and a scraper comes all the time:
 * neither is a request that somebody made. */
static void test_probes_are_not_counted(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ChHealth) health = ch_health_new();
    ch_health_part(health, "postgres");
    ChListen listen = { "127.0.0.1", 0 };
    const ChHttpBinding extra = { .table = &extra_routes };
    g_autoptr(ChHttpServer) server = ch_admin_new(&listen, NULL, health, &extra, 1, &error);
    g_assert_no_error(error);
    g_assert_true(ch_http_server_start(server, &error));
    uint16_t port = ch_http_server_port(server);
    for (int i = 0; i < 3; i++)
        assert_get(port, "/health/ready", 503, "application/json", "\"status\":\"not ready\"");
    assert_get(port, "/health/live", 200, "application/json", "live");
    assert_get(port, "/metrics", 200, "text/plain; version=0.0.4; charset=utf-8", "process_");
    ch_http_server_stop(server); /* all of them are over */
    GString *text = ch_metrics_render();
    g_assert_nonnull(strstr(text->str, "_requests_total{route=\"GET /extra\",status=\"5xx\"} 0\n"));
    g_assert_nonnull(strstr(text->str, "_requests_total{route=\"none\",status=\"5xx\"} 0\n"));
    g_assert_null(strstr(text->str, "/health/"));
    g_assert_null(strstr(text->str, "route=\"GET /metrics"));
    g_string_free(text, TRUE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ch_log_init("admin-test", CH_LOG_ERROR);
    g_test_add_func("/health/dependencies", test_health);
    g_test_add_func("/health/of-the-public", test_health_of_the_public);
    g_test_add_func("/health/a-warning-is-for-operators", test_a_warning_is_for_operators);
    g_test_add_func("/health/readiness-is-told-once", test_readiness_is_told_once);
    g_test_add_func("/admin/routes", test_admin);
    g_test_add_func("/admin/probes-are-not-counted", test_probes_are_not_counted);
    return g_test_run();
}
