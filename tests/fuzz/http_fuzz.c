/* The head of a request: path, query, headers, on the order service's own routes. Input, each ended
 * by a zero byte: method, target, version, then a name and a value for each header. */
#include "fuzz.h"

#include "chassis/http/head.h"
#include "chassis/http/lane.h"
#include "chassis/http/percent.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/request_life.h"
#include "order/api/lists.h"
#include "order/api/routes.h"
#include "order/application/ports.h"

#include <jansson.h>
#include <string.h>

enum {
    MAX_BODY_BYTES = 64 * 1024,
    MAX_HEADERS = 32,
    MAX_LIMIT = 100, /* of a page of orders, and one row to know of the next */
};

/* ---- a port that looks at the filter it is given ---- */

static bool list(OrderReads *self G_GNUC_UNUSED, const OrderFilter *filter, size_t n,
                 GPtrArray **pages, GError **error G_GNUC_UNUSED)
{
    g_assert_cmpuint(n, ==, 1);
    g_assert_true(filter->page.rows >= 2 && filter->page.rows <= MAX_LIMIT + 1);
    if (filter->has_status)
        g_assert_true(filter->status >= ORDER_CREATED && filter->status <= ORDER_CANCELLED);
    pages[0] = g_ptr_array_new();
    return true;
}

static const OrderReadsOps reads_ops = { .list = list };

/* ---- the request ---- */

typedef struct {
    ChHttpRequest *request;
    ChHttpGuard guard;
    char *version;
    unsigned hosts; /* counted here once more */
    unsigned lengths;
    unsigned encodings;
    unsigned keys;
} Head;

static void read_header(FuzzInput *input, Head *head)
{
    g_autofree char *name = fuzz_text(input);
    g_autofree char *value = fuzz_text(input);
    size_t value_bytes = ch_http_guard_trim(value, strlen(value));
    ch_http_guard_header(&head->guard, name, strlen(name), value, value_bytes);
    ch_http_request_add_header(head->request, name, strlen(name), value, value_bytes);
    head->hosts += g_ascii_strcasecmp(name, "Host") == 0;
    head->lengths += g_ascii_strcasecmp(name, "Content-Length") == 0;
    head->encodings += g_ascii_strcasecmp(name, "Transfer-Encoding") == 0;
    head->keys += g_ascii_strcasecmp(name, "Idempotency-Key") == 0;
}

static Head read_head(FuzzInput *input)
{
    g_autofree char *method = fuzz_text(input);
    g_autofree char *target = fuzz_text(input);
    Head head = { .request = ch_http_request_new(target, 0, 0), .version = fuzz_text(input) };
    g_strlcpy(head.request->method, method, sizeof head.request->method);
    for (int i = 0; i < MAX_HEADERS && input->left > 0; i++)
        read_header(input, &head);
    return head;
}

/* ---- what must hold ---- */

/* A head that passes can be read in one way only. */
static void check_guard(const Head *head)
{
    const char *fault = ch_http_guard_verdict(&head->guard, head->version);
    bool is_1_1 = strcmp(head->version, "HTTP/1.1") == 0;
    if (fault != NULL) {
        g_assert_true(fuzz_is_printable(fault));
        return;
    }
    g_assert_true(is_1_1 || strcmp(head->version, "HTTP/1.0") == 0);
    g_assert_true(head->hosts == 1 || (!is_1_1 && head->hosts == 0));
    g_assert_cmpuint(head->lengths + head->encodings, <=, 1);
    g_assert_true(head->encodings == 0 || is_1_1);
    const char *length = ch_http_request_header(head->request, "content-length");
    const char *encoding = ch_http_request_header(head->request, "transfer-encoding");
    if (length != NULL) {
        guint64 number = g_ascii_strtoull(length, NULL, 10); /* saturates */
        g_assert_true(length[strspn(length, "0123456789")] == '\0' && *length != '\0');
        g_assert_cmpint(head->guard.content_length, ==, (gint64)MIN(number, G_MAXINT64));
    }
    const char *host = ch_http_request_header(head->request, "host");
    g_assert_true(host == NULL || strpbrk(host, " \t/?#@\\\"") == NULL);
    g_assert_cmpuint(head->keys, <=, 1);
    g_assert_true(encoding == NULL || g_ascii_strcasecmp(encoding, "chunked") == 0);
}

/* The path of @match, encoded again with its parameters in place. */
static char *path_of(const ChHttpMatch *match)
{
    GString *path = g_string_new(match->route->pattern);
    for (size_t i = 0; i < match->params_n; i++) {
        g_autofree char *value = g_uri_escape_string(match->params[i].value, NULL, false);
        g_autofree char *place =
            g_strdup_printf("{%.*s}", (int)match->params[i].name_bytes, match->params[i].name);
        g_string_replace(path, place, value, 1);
    }
    return g_string_free(path, FALSE);
}

static void check_match(const ChHttpRouter *router, const ChHttpRequest *request)
{
    const ChHttpMatch *match = &request->match;
    g_autofree char *path = path_of(match);
    g_autofree char *decoded = g_malloc(strlen(path) + 1);
    ChHttpMatch again = { .route = NULL };
    g_assert_cmpint(ch_http_router_match(router, request->method, path, decoded, &again), ==,
                    CH_HTTP_FOUND);
    g_assert_true(again.route == match->route && again.params_n == match->params_n);
    for (size_t i = 0; i < match->params_n; i++) {
        g_assert_true(*match->params[i].value != '\0');
        g_assert_true(fuzz_is_printable(match->params[i].value));
        g_assert_cmpstr(again.params[i].value, ==, match->params[i].value);
    }
}

static void append_encoded(GString *target, const char *text)
{
    g_autofree char *encoded = g_uri_escape_string(text, NULL, false);
    g_string_append(target, encoded);
}

/* Names and values are printable; encoded and read again they are the same. */
static void check_query(const ChHttpRequest *request)
{
    GString *target = g_string_new("/?");
    g_assert_cmpuint(request->query_params_n, <=, CH_HTTP_MAX_QUERY_PARAMS);
    for (size_t i = 0; i < request->query_params_n; i++) {
        g_assert_true(fuzz_is_printable(request->query_params[i].name));
        g_assert_true(fuzz_is_printable(request->query_params[i].value));
        append_encoded(target, request->query_params[i].name);
        g_string_append_c(target, '=');
        append_encoded(target, request->query_params[i].value);
        g_string_append_c(target, '&');
    }
    ChHttpRequest *again = ch_http_request_new(target->str, 0, 0);
    again->decoded = g_malloc(2 * target->len + 2);
    g_assert_true(ch_http_request_read_query(again));
    g_assert_cmpuint(again->query_params_n, ==, request->query_params_n);
    for (size_t i = 0; i < request->query_params_n; i++) {
        g_assert_cmpstr(again->query_params[i].name, ==, request->query_params[i].name);
        g_assert_cmpstr(again->query_params[i].value, ==, request->query_params[i].value);
    }
    ch_http_request_unref(again);
    g_string_free(target, TRUE);
}

/* The typed readers agree with GLib's. */
static void check_getters(const ChHttpRequest *request)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    int64_t number = 42;
    gint64 theirs = 0;
    const char *raw = ch_http_request_query(request, "limit");
    size_t times = ch_http_request_query_count(request, "limit");
    bool ok = ch_http_query_integer(request, "limit", -1000, 1000, &number, violations);
    bool expected =
        times == 1 && *raw != '+' && g_ascii_string_to_signed(raw, 10, -1000, 1000, &theirs, NULL);
    g_assert_true(ok == expected);
    g_assert_cmpint(number, ==, ok ? theirs : 42);
    g_assert_cmpuint(ch_violations_count(violations), ==, ok || times == 0 ? 0 : 1);
    ChUuid uuid;
    char text[CH_UUID_TEXT_BYTES];
    if (ch_http_query_uuid(request, "cursor", &uuid, violations)) {
        ch_uuid_format(uuid, text);
        g_assert_cmpint(g_ascii_strcasecmp(text, ch_http_request_query(request, "cursor")), ==, 0);
    }
}

static void check_answer(const ChHttpRequest *request)
{
    const ChHttpAnswer *answer = &request->answer;
    g_assert_true(answer->status >= 200 && answer->status <= 599);
    json_t *theirs = json_loadb(answer->body->str, answer->body->len, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(theirs);
    json_decref(theirs);
}

static void check_refused(const ChHttpRouter *router, ChHttpRequest *request,
                          const ChHttpRefusal *refusal)
{
    g_autofree char *allow = ch_http_router_allow(router, request->path);
    unsigned status = refusal->problem->status;
    g_assert_true(status >= 400 && status < 500);
    g_assert_true(status != 404 || *allow == '\0');
    g_assert_true(status != 405 || *allow != '\0');
    ch_http_answer_problem(&request->answer, request, refusal->problem, refusal->detail, NULL, 0);
    check_answer(request);
}

/* Of a path that is known with another method. */
static void check_options(ChHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(
        request->match.route->handler(request->match.inline_context, &request, 1, &error));
    g_assert_cmpuint(request->answer.status, ==, 204);
    g_assert_true(g_str_has_suffix(request->answer.headers[0].value, ", OPTIONS"));
}

static void check_served(const ChHttpRouter *router, OrderLists *lists, ChHttpRequest *request)
{
    g_autoptr(GError) error = NULL;
    ChUuid id;
    if (strcmp(request->method, "OPTIONS") == 0) {
        check_options(request);
        return;
    }
    check_match(router, request);
    check_query(request);
    check_getters(request);
    ch_http_param_uuid(request, "id", &id);
    if (strcmp(request->match.route->pattern, "/api/orders") != 0 ||
        strcmp(request->match.route->method, "GET") != 0)
        return;
    if (!ch_http_query_is_known(request)) {
        g_assert_cmpuint(request->answer.status, ==, 400);
        check_answer(request);
        return;
    }
    g_assert_true(request->match.route->handler(lists, &request, 1, &error));
    check_answer(request);
}

static void check_trace(const ChHttpRequest *request)
{
    ChTrace parent = { .flags = 0 };
    g_assert_true(ch_trace_is_set(request->trace));
    if (ch_trace_parse(ch_http_request_header(request, "traceparent"), &parent))
        g_assert_cmpmem(parent.trace_id, 16, request->trace.trace_id, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    OrderReads reads = { &reads_ops };
    OrderLists lists = { &reads, NULL, NULL };
    g_autoptr(ChHttpLane) lane = ch_http_lane_new("fuzz", 1, &lists);
    ChHttpLane *lanes[] = {
        [ORDER_WRITES] = lane,  [ORDER_READS] = lane,    [ORDER_LISTS] = lane,
        [ORDER_PRICES] = lane,  [ORDER_ERASURES] = lane, [ORDER_FAILURES] = lane,
        [ORDER_LETTERS] = lane, [ORDER_CONTROLS] = lane,
    };
    const ChHttpBinding binding = { &order_routes, lanes, NULL };
    g_autoptr(ChHttpRouter) router = ch_http_router_new(&binding, 1);
    Head head = read_head(&input);
    ChHttpRefusal refusal =
        ch_http_head_check(router, head.request, &head.guard, head.version, MAX_BODY_BYTES);
    check_guard(&head);
    check_trace(head.request);
    if (refusal.problem != NULL)
        check_refused(router, head.request, &refusal);
    else
        check_served(router, &lists, head.request);
    ch_http_request_unref(head.request);
    g_free(head.version);
    return 0;
}
