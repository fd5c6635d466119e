/* What handlers read from a request, and the problems they answer with. */
#include "chassis/http/etag.h"
#include "chassis/http/media_type.h"
#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/request_life.h"
#include "chassis/json/json_writer.h"

#include <string.h>

/* A request as the server makes it, for a path of one parameter. */
static ChHttpRequest *must_make(const char *target, const char *body)
{
    ChHttpRequest *request = ch_http_request_new(target, 0, 0);
    g_strlcpy(request->method, "GET", sizeof(request->method));
    size_t query_bytes = request->query == NULL ? 0 : strlen(request->query);
    request->decoded = g_malloc0(strlen(request->path) + 1 + 2 * query_bytes + 2);
    g_assert_true(ch_http_request_read_query(request));
    ch_http_request_add_header(request, "X-One", 5, "1", 1);
    ch_http_request_add_header(request, "x-empty", 7, "", 0);
    ch_http_request_add_header(request, "x-one", 5, "2", 1);
    if (body != NULL)
        request->body = g_string_new(body);
    g_assert_true(
        ch_trace_parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", &request->trace));
    return request;
}

static void assert_violations(const ChViolations *violations, const char *expected)
{
    g_autofree char *text = ch_violations_text(violations);
    g_assert_cmpstr(text, ==, expected);
}

static void test_query(void)
{
    ChHttpRequest *request =
        must_make("/x?limit=7&id=0190a5c4-0000-7000-8000-000000000001&name=a+%62"
                  "&nil=00000000-0000-0000-0000-000000000000&bad=1.5&big=99999999999999999999&"
                  "twice=1&twice=2&empty=&flag",
                  NULL);
    g_autoptr(ChViolations) violations = ch_violations_new();
    int64_t number = 0;
    ChUuid uuid = { { 0 } };
    const char *text = NULL;
    g_assert_true(ch_http_query_integer(request, "limit", 1, 10, &number, violations));
    g_assert_cmpint(number, ==, 7);
    g_assert_true(ch_http_query_uuid(request, "id", &uuid, violations));
    g_assert_true(ch_http_query_text(request, "name", 3, &text, violations));
    g_assert_cmpstr(text, ==, "a b");
    g_assert_false(ch_http_query_integer(request, "none", 1, 10, &number, violations));
    g_assert_cmpstr(ch_http_request_query(request, "flag"), ==, "");
    g_assert_cmpuint(ch_violations_count(violations), ==, 0);
    ch_http_query_integer(request, "limit", 1, 5, &number, violations);
    ch_http_query_integer(request, "bad", 1, 10, &number, violations);
    ch_http_query_integer(request, "big", 1, INT64_MAX, &number, violations);
    ch_http_query_integer(request, "twice", 1, 10, &number, violations);
    ch_http_query_uuid(request, "name", &uuid, violations);
    ch_http_query_uuid(request, "nil", &uuid, violations);
    ch_http_query_text(request, "empty", 3, &text, violations);
    assert_violations(violations, "limit must be an integer from 1 to 5; "
                                  "bad must be an integer from 1 to 10; "
                                  "big must be an integer from 1 to 9223372036854775807; "
                                  "twice must be given once; name must be a UUID; "
                                  "nil must not be the nil UUID, which names nothing; "
                                  "empty must have 1 to 3 characters");
    g_assert_cmpint(number, ==, 7);
    ch_http_request_unref(request);
}

static const ChHttpRoute listing = { .operation_id = "listThings", .query = "cursor, id, limit" };
static const ChHttpRoute plain = { .operation_id = "getThing", .query = "" };
static const ChHttpRoute any = { .operation_id = "getHealth", .query = CH_HTTP_ANY_QUERY };

static void test_unknown_parameters_are_refused(void)
{
    static const struct {
        const ChHttpRoute *route;
        const char *target;
        const char *errors;
    } rows[] = {
        { &listing, "/x", NULL },
        { &listing, "/x?limit=1&cursor=&id=7", NULL },
        { &listing, "/x?Limit=1&lim=2",
          "\"errors\":{\"Limit\":[\"is not known here; known are cursor, id, limit\"],"
          "\"lim\":[\"is not known here; known are cursor, id, limit\"]}" },
        { &listing, "/x?=1",
          "\"errors\":{\"\":[\"is not known here; known are cursor, id, limit\"]}" },
        { &plain, "/x?force=true",
          "\"errors\":{\"force\":[\"is not known here: this call has no parameters\"]}" },
        { &any, "/x?whatever", NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ChHttpRequest *request = must_make(rows[i].target, NULL);
        request->match.route = rows[i].route;
        g_assert_true(ch_http_query_is_known(request) == (rows[i].errors == NULL));
        if (rows[i].errors != NULL) {
            g_assert_cmpuint(request->answer.status, ==, 400);
            g_assert_nonnull(strstr(request->answer.body->str, rows[i].errors));
        }
        ch_http_request_unref(request);
    }
}

static void test_times_and_flags(void)
{
    ChHttpRequest *request = must_make("/x?createdAfter=2026-11-22T10:47:00Z&on=true&off=false"
                                       "&day=2026-11-22&yes=1",
                                       NULL);
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChTimeRange range;
    bool on = false;
    bool off = true;
    int64_t day = -7;
    ch_http_query_created(request, &range, violations);
    g_assert_cmpint(range.from_us, ==, INT64_C(1795344420000000));
    g_assert_cmpint(range.before_us, ==, CH_TIME_ALWAYS.before_us);
    g_assert_true(ch_http_query_bool(request, "on", &on, violations));
    g_assert_true(ch_http_query_bool(request, "off", &off, violations));
    g_assert_true(on && !off);
    g_assert_cmpuint(ch_violations_count(violations), ==, 0);
    ch_http_query_time(request, "day", &day, violations);
    ch_http_query_bool(request, "yes", &on, violations);
    assert_violations(violations, "day must be a time such as 2026-11-22T10:47:00Z; "
                                  "yes must be true or false");
    g_assert_cmpint(day, ==, -7);
    ch_http_request_unref(request);
}

static ChUuid write_number(GString *json, const void *row)
{
    const uint8_t *number = row;
    ch_json_add_integer(json, NULL, *number);
    return (ChUuid){ .bytes = { *number } };
}

/* A page of two of three rows for @target; its cursor, or NULL. Free with g_free(). */
static char *cursor_of(const char *target, size_t limit)
{
    uint8_t numbers[] = { 1, 2, 3 };
    g_autoptr(GPtrArray) rows = g_ptr_array_new();
    ChHttpRequest *request = must_make(target, NULL);
    request->match.route = &listing;
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        g_ptr_array_add(rows, &numbers[i]);
    GString *page = ch_http_page(request, rows, limit, write_number);
    char *cursor = NULL;
    if (limit < rows->len) {
        static const char start[] = "{\"items\":[1,2],\"nextCursor\":\"";
        g_assert_true(g_str_has_prefix(page->str, start));
        cursor = g_strndup(page->str + strlen(start), CH_HTTP_CURSOR_BYTES - 1);
    } else {
        g_assert_cmpstr(page->str, ==, "{\"items\":[1,2,3]}");
    }
    g_string_free(page, TRUE);
    ch_http_request_unref(request);
    return cursor;
}

static void assert_cursor(const ChHttpRoute *route, const char *target, const char *cursor,
                          const char *expected)
{
    g_autofree char *with =
        g_strdup_printf("%s%scursor=%s", target, strchr(target, '?') != NULL ? "&" : "?", cursor);
    ChHttpRequest *request = must_make(with, NULL);
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChUuid last = { { 0 } };
    request->match.route = route;
    g_assert_true(ch_http_page_cursor(request, &last, violations) == (*expected == '\0'));
    assert_violations(violations, expected);
    g_assert_cmpuint(last.bytes[0], ==, *expected == '\0' ? 2 : 0);
    ch_http_request_unref(request);
}

static void test_a_cursor_belongs_to_its_query(void)
{
    static const char other[] =
        "cursor belongs to another query: filters stay the same from page to page";
    static const char none[] = "cursor must be a nextCursor of this list";
    g_autofree char *cursor = cursor_of("/x?id=aB7&limit=2", 2);
    g_autofree char *whole = cursor_of("/x?id=7", 3);
    g_assert_null(whole);
    assert_cursor(&listing, "/x?id=aB7&limit=2", cursor, "");
    assert_cursor(&listing, "/x?limit=50&id=Ab7", cursor, "");
    assert_cursor(&listing, "/x?id=8", cursor, other);
    assert_cursor(&listing, "/x", cursor, other);
    assert_cursor(&plain, "/x?id=aB7", cursor, other);
    assert_cursor(&listing, "/x?id=aB7", "0190a5c4-0000-7000-8000-000000000001", none);
    assert_cursor(&listing, "/x?id=aB7", "x", none);
    cursor[CH_HTTP_CURSOR_BYTES - 2] = 'g';
    assert_cursor(&listing, "/x?id=aB7", cursor, none);
}

static void test_too_many_parameters(void)
{
    g_autoptr(GString) target = g_string_new("/x?a");
    for (int i = 0; i < CH_HTTP_MAX_QUERY_PARAMS; i++)
        g_string_append(target, "&a");
    ChHttpRequest *request = ch_http_request_new(target->str, 0, 0);
    request->decoded = g_malloc0(target->len * 2 + 4);
    g_assert_false(ch_http_request_read_query(request));
    ch_http_request_unref(request);
}

static void test_if_match(void)
{
    static const struct {
        const char *header;
        int64_t version;
        bool allowed;
    } rows[] = {
        { NULL, 7, true },
        { "*", 7, true },
        { "\"7\"", 7, true },
        { "\"7\"", 8, false },
        { "\"6\" , \"7\"", 7, true },
        { "\"nope\", \"7\"", 7, true },
        { "W/\"7\"", 7, false },
        { "7", 7, false },
        { "\"nope\"", 7, false },
        { "\"\"", 0, false },
        { "\"", 0, false },
        { "", 7, false },
        { "\"-1\"", -1, true }, /* no version is -1 */
        { "\"9223372036854775807\"", INT64_MAX, true },
        { "\"99999999999999999999\"", INT64_MAX, false },
        { "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"", 8, true },
        { "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"", 9, false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ChHttpRequest *request = must_make("/x", NULL);
        if (rows[i].header != NULL)
            ch_http_request_add_header(request, "If-Match", 8, rows[i].header,
                                       strlen(rows[i].header));
        ChExpected expected = ch_http_if_match(request);
        g_test_message("%s", rows[i].header != NULL ? rows[i].header : "none");
        g_assert_true(ch_expected_allows(&expected, rows[i].version) == rows[i].allowed);
        ch_http_respond_empty(request, 204);
        ch_http_respond_etag(request, rows[i].version);
        g_assert_cmpstr(request->answer.headers[0].name, ==, "ETag");
        ch_http_request_unref(request);
    }
}

static void test_if_none_match(void)
{
    static const struct {
        const char *method;
        const char *header;
        unsigned status;
    } rows[] = {
        { "GET", "\"7\"", 304 },   { "HEAD", "\"7\"", 304 },
        { "GET", "W/\"7\"", 304 }, { "GET", "\"6\", \"7\"", 304 },
        { "GET", "*", 304 },       { "GET", "\"8\"", 200 },
        { "GET", "7", 200 },       { "GET", "\"77\"", 200 },
        { "GET", "", 200 },        { "PUT", "\"7\"", 200 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ChHttpRequest *request = must_make("/x", NULL);
        g_strlcpy(request->method, rows[i].method, sizeof request->method);
        ch_http_request_add_header(request, "If-None-Match", 13, rows[i].header,
                                   strlen(rows[i].header));
        ch_http_respond_json(request, 200, g_string_new("{}"));
        ch_http_respond_etag(request, 7);
        g_test_message("%s %s", rows[i].method, rows[i].header);
        g_assert_cmpuint(request->answer.status, ==, rows[i].status);
        g_assert_true((request->answer.body == NULL) == (rows[i].status == 304));
        g_assert_cmpstr(request->answer.headers[0].value, ==, "\"7\"");
        ch_http_request_unref(request);
    }
}

static void test_media_types(void)
{
    static const struct {
        const char *type;
        bool is_json;
    } rows[] = {
        { "application/json", true },
        { "Application/JSON ; charset=UTF-8", true },
        { "application/json; charset=\"utf-8\"; x=y", true },
        { "application/json; charset=latin1", false },
        { "application/merge-patch+json", true },
        { "application/vnd.cartwheel.2+json", false },
        { "application/vnd.other.2+json", true },
        { "text/json", false },
        { "text/x+json", false },
        { "application/x-ndjson", false },
        { "", false },
        { ";", false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("%s", rows[i].type);
        g_assert_true(ch_http_media_type_is_json(rows[i].type) == rows[i].is_json);
    }
}

static void test_accept(void)
{
    static const struct {
        const char *first;
        const char *second; /* another header of that name; may be NULL */
        bool accepted;
    } rows[] = {
        { "*/*", NULL, true },
        { "application/json", NULL, true },
        { "text/plain", NULL, true }, /* who asks for anything else gets JSON */
        { "", NULL, true },
        { ",;,", NULL, true },
        { "application/vnd.cartwheel.2+json", NULL, false },
        { "Application/Vnd.Cartwheel.2+JSON; q=1", NULL, false },
        { "application/vnd.cartwheel.2+json, text/html", NULL, false },
        { "application/vnd.cartwheel.2+json, application/json;q=0.5", NULL, true },
        { "application/vnd.cartwheel.2+json, application/json;q=0", NULL, false },
        { "application/vnd.cartwheel.2+json;q=0, text/html", NULL, true },
        { "application/vnd.cartwheel.2+json, */*;q=0.1", NULL, true },
        { "application/vnd.cartwheel.2+json, application/*", NULL, true },
        { "application/vnd.cartwheel.2+json", "application/json", true },
        { "text/html", "application/vnd.cartwheel.2+json", false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ChHttpRequest *request = must_make("/x", NULL);
        ch_http_request_add_header(request, "Accept", 6, rows[i].first, strlen(rows[i].first));
        if (rows[i].second != NULL)
            ch_http_request_add_header(request, "accept", 6, rows[i].second,
                                       strlen(rows[i].second));
        g_test_message("%s", rows[i].first);
        g_assert_true(ch_http_media_type_is_accepted(request) == rows[i].accepted);
        ch_http_request_unref(request);
    }
}

static void test_headers(void)
{
    ChHttpRequest *request = must_make("/x", NULL);
    g_assert_cmpstr(ch_http_request_header(request, "x-ONE"), ==, "1");
    g_assert_cmpstr(ch_http_request_header(request, "X-Empty"), ==, "");
    g_assert_null(ch_http_request_header(request, "1"));
    ch_http_request_unref(request);
}

static void test_body(void)
{
    static const struct {
        const char *body;
        const char *violations;
    } rows[] = {
        { NULL, "the input must be a JSON object, but there is no body" },
        { "{", "the input is not valid JSON: line 1, column 2: a member's name was expected" },
        { "\xef\xbb\xbf{}", "the input begins with a byte order mark" },
        { "[]", "the input must be an object" },
        { "{}", "" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ChHttpRequest *request = must_make("/x", rows[i].body);
        g_autoptr(ChViolations) violations = ch_violations_new();
        g_autoptr(ChJson) json = ch_http_request_json(request, violations);
        assert_violations(violations, rows[i].violations);
        g_assert_true((json != NULL) == (*rows[i].violations == '\0'));
        ch_http_request_unref(request);
    }
}

static void test_later_answer_replaces(void)
{
    ChHttpRequest *request = must_make("/x", NULL);
    ch_http_respond_json(request, 201, g_string_new("{}"));
    ch_http_respond_header(request, "Location", "/x/1");
    static const ChHttpProblem exists = { "exists", 409, "Exists" };
    ch_http_respond_problem(request, &exists, "item %d is there", 7);
    g_assert_cmpuint(request->answer.status, ==, 409);
    g_assert_cmpuint(request->answer.headers_n, ==, 0);
    g_assert_cmpstr(request->answer.body->str, ==,
                    "{\"type\":\"urn:cartwheel:problem:exists\",\"title\":\"Exists\","
                    "\"status\":409,"
                    "\"detail\":\"item 7 is there\",\"instance\":\"/x\","
                    "\"traceId\":\"0af7651916cd43dd8448eb211c80319c\"}");
    ch_http_request_unref(request);
}

static void test_violations_become_errors(void)
{
    ChHttpRequest *request = must_make("/x?a=b", NULL);
    g_autoptr(ChViolations) violations = ch_violations_new();
    ch_violations_add(violations, "items[0].quantity", "must be at least %d", 1);
    ch_http_respond_violations(request, violations);
    g_assert_cmpuint(request->answer.status, ==, 400);
    g_assert_cmpstr(request->answer.content_type, ==, "application/problem+json");
    g_assert_nonnull(strstr(request->answer.body->str,
                            "\"errors\":{\"items[0].quantity\":[\"must be at least 1\"]}}"));
    ch_http_request_unref(request);
}

static void count_free(void *data)
{
    int *freed = data;
    (*freed)++;
}

static void test_data_is_freed_once(void)
{
    int freed = 0;
    ChHttpRequest *request = must_make("/x", NULL);
    ch_http_request_set_data(request, &freed, count_free);
    g_assert_true(ch_http_request_data(request) == &freed);
    ch_http_request_set_data(request, &freed, count_free);
    g_assert_cmpint(freed, ==, 1);
    ch_http_request_unref(request);
    g_assert_cmpint(freed, ==, 2);
}

static void test_finishes_once(void)
{
    ChHttpRequest *request = must_make("/x", NULL);
    g_assert_false(ch_http_request_finish(request, CH_HTTP_EXPIRED)); /* still being read */
    atomic_store(&request->state, CH_HTTP_WAITING);
    g_assert_true(ch_http_request_finish(request, CH_HTTP_EXPIRED));
    g_assert_false(ch_http_request_finish(request, CH_HTTP_ANSWERED));
    ch_http_request_unref(request);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/request/query", test_query);
    g_test_add_func("/request/too-many-parameters", test_too_many_parameters);
    g_test_add_func("/request/unknown-parameters-are-refused", test_unknown_parameters_are_refused);
    g_test_add_func("/request/times-and-flags", test_times_and_flags);
    g_test_add_func("/request/a-cursor-belongs-to-its-query", test_a_cursor_belongs_to_its_query);
    g_test_add_func("/request/headers", test_headers);
    g_test_add_func("/request/if-match", test_if_match);
    g_test_add_func("/request/if-none-match", test_if_none_match);
    g_test_add_func("/request/media-types", test_media_types);
    g_test_add_func("/request/accept", test_accept);
    g_test_add_func("/request/body", test_body);
    g_test_add_func("/request/later-answer-replaces", test_later_answer_replaces);
    g_test_add_func("/request/violations-become-errors", test_violations_become_errors);
    g_test_add_func("/request/data-is-freed-once", test_data_is_freed_once);
    g_test_add_func("/request/finishes-once", test_finishes_once);
    return g_test_run();
}
