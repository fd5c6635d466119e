/* Lists: which requests are asked for, how often, and how the answers go on. */
#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/request_life.h"
#include "chassis/json/json_writer.h"

#include <string.h>

enum {
    ROWS = 5, /* of the list: the numbers 1 to 5 as ids */
};

static const ChHttpRoute route = {
    .operation_id = "listThings",
    .query = "createdAfter, createdBefore, cursor, id, limit, name, sort",
};

static ChHttpRequest *must_make(const char *target)
{
    ChHttpRequest *request = ch_http_request_new(target, 0, 0);
    request->decoded = g_malloc0(2 * strlen(target) + 4);
    g_assert_true(ch_http_request_read_query(request));
    request->match.route = &route;
    return request;
}

static ChUuid id_of(uint8_t number)
{
    ChUuid id = { { 0 } };
    id.bytes[sizeof id.bytes - 1] = number;
    return id;
}

/* ---- a list that is asked ---- */

typedef struct {
    ChPage page;
} Query;

typedef struct {
    int asked;
    size_t queries;
    Query last;
    bool empty;
} Store;

static bool read_query(ChHttpRequest *request, const ChPage *page, void *query,
                       ChViolations *violations)
{
    ChUuid id;
    ((Query *)query)->page = *page;
    ch_http_query_uuid(request, "id", &id, violations);
    if (ch_http_request_query(request, "name") == NULL)
        return true;
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such thing");
    return false;
}

static bool ask(void *context, const void *queries, size_t n, GPtrArray **pages, GError **error)
{
    (void)error;
    Store *store = context;
    const Query *asked = queries;
    store->asked++;
    store->queries += n;
    for (size_t i = 0; i < n; i++) {
        const ChPage *page = &asked[i].page;
        store->last = asked[i];
        pages[i] = g_ptr_array_new_with_free_func(g_free);
        uint8_t first = page->has_last ? page->last.bytes[sizeof page->last.bytes - 1] : 0;
        for (uint8_t k = first + 1; !store->empty && k <= ROWS && pages[i]->len < page->rows; k++) {
            ChUuid id = id_of(k);
            g_ptr_array_add(pages[i], g_memdup2(&id, sizeof id));
        }
    }
    return true;
}

static ChUuid write_row(GString *json, const void *row)
{
    const ChUuid *id = row;
    ch_json_add_integer(json, NULL, id->bytes[sizeof id->bytes - 1]);
    return *id;
}

static void respond_unknown(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there are no such things");
}

static const ChHttpList things = {
    .query_bytes = sizeof(Query),
    .default_limit = 3,
    .max_limit = 4,
    .read = read_query,
    .ask = ask,
    .write_row = write_row,
    .respond_unknown = respond_unknown,
    .has_rows = true,
};

static ChHttpRequest *must_list(Store *store, const char *target)
{
    ChHttpRequest *request = must_make(target);
    g_assert_true(ch_http_list(&things, store, &request, 1, NULL));
    return request;
}

static const char *link_of(const ChHttpRequest *request)
{
    for (size_t i = 0; i < request->answer.headers_n; i++) {
        if (strcmp(request->answer.headers[i].name, "Link") == 0)
            return request->answer.headers[i].value;
    }
    return NULL;
}

/* ---- tests ---- */

static void test_one_question_for_all_that_are_valid(void)
{
    static const struct {
        const char *target;
        unsigned status;
        const char *body; /* how it begins; "" does not matter */
    } rows[] = {
        { "/things", 200, "{\"items\":[1,2,3],\"nextCursor\":" },
        { "/things?limit=0", 400, "" },
        { "/things?limit=5", 400, "" },
        { "/things?limit=4", 200, "{\"items\":[1,2,3,4],\"nextCursor\":" },
        { "/things?name=x", 404, "" },
        { "/things?name=x&id=7", 400, "" },
        { "/things?sort=up", 400, "" },
        { "/things?createdAfter=today", 400, "" },
        { "/things?cursor=7", 400, "" },
    };
    Store store = { .asked = 0 };
    ChHttpRequest *requests[G_N_ELEMENTS(rows)];
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        requests[i] = must_make(rows[i].target);
    g_assert_true(ch_http_list(&things, &store, requests, G_N_ELEMENTS(rows), NULL));
    g_assert_cmpint(store.asked, ==, 1);
    g_assert_cmpuint(store.queries, ==, 2);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("%s", rows[i].target);
        g_assert_cmpuint(requests[i]->answer.status, ==, rows[i].status);
        g_assert_true(g_str_has_prefix(requests[i]->answer.body->str, rows[i].body));
        ch_http_request_unref(requests[i]);
    }
}

static void test_nothing_is_asked_for_nobody(void)
{
    Store store = { .asked = 0 };
    ch_http_request_unref(must_list(&store, "/things?limit=x"));
    g_assert_cmpint(store.asked, ==, 0);
}

static void test_the_link_leads_to_the_next_page(void)
{
    Store store = { .asked = 0 };
    ChHttpRequest *first = must_list(
        &store, "/things?limit=3&createdAfter=2026-11-22T10%3a47%3a00%2b01%3a00&sort=newest");
    const char *link = link_of(first);
    g_assert_nonnull(link);
    g_assert_true(g_str_has_prefix(link, "</things?createdAfter=2026-11-22T10%3A47%3A00%2B01%3A00"
                                         "&sort=newest&limit=3&cursor="));
    g_assert_true(g_str_has_suffix(link, ">; rel=\"next\""));
    g_autofree char *target = g_strndup(link + 1, strcspn(link, ">") - 1);
    ChHttpRequest *second = must_list(&store, target);
    g_assert_cmpstr(second->answer.body->str, ==, "{\"items\":[4,5]}");
    g_assert_null(link_of(second));
    ch_http_request_unref(first);
    ch_http_request_unref(second);
}

static void test_a_link_that_is_too_long_is_left_out(void)
{
    Store store = { .asked = 0 };
    g_autofree char *zeros = g_strnfill(3000, '0');
    g_autofree char *target = g_strdup_printf("/%s", zeros);
    ChHttpRequest *request = must_list(&store, target);
    g_assert_cmpuint(request->answer.status, ==, 200);
    g_assert_null(link_of(request));
    ch_http_request_unref(request);
}

static void test_a_cursor_belongs_to_its_order(void)
{
    Store store = { .asked = 0 };
    ChHttpRequest *first = must_list(&store, "/things?sort=oldest");
    g_assert_true(store.last.page.oldest_first);
    const char *cursor = strstr(link_of(first), "cursor=");
    g_autofree char *turned = g_strdup_printf("/things?%.*s", (int)strcspn(cursor, ">"), cursor);
    ChHttpRequest *second = must_list(&store, turned);
    g_assert_cmpuint(second->answer.status, ==, 400);
    ch_http_request_unref(first);
    ch_http_request_unref(second);
}

static void test_no_rows_at_all_are_no_such_thing(void)
{
    static const struct {
        const char *target;
        unsigned status;
    } rows[] = {
        { "/things", 404 },
        { "/things?sort=oldest&limit=1", 404 },
        { "/things?createdAfter=2026-11-22T10:47:00Z", 200 },
        { "/things?createdBefore=2026-11-22T10:47:00Z", 200 },
    };
    Store store = { .empty = true };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ChHttpRequest *request = must_list(&store, rows[i].target);
        g_assert_cmpuint(request->answer.status, ==, rows[i].status);
        ch_http_request_unref(request);
    }
}

static void test_bounds(void)
{
    ChPage page = { .rows = 2, .created = CH_TIME_ALWAYS };
    ChUuid after;
    ChUuid before;
    ch_page_bounds(&page, &after, &before);
    g_assert_true(ch_uuid_is_nil(after));
    g_assert_cmpint(before.bytes[0], ==, 0xff);
    page.has_last = true;
    page.last = ch_uuid_new();
    ch_page_bounds(&page, &after, &before);
    g_assert_true(ch_uuid_is_nil(after) && ch_uuid_equal(before, page.last));
    page.oldest_first = true;
    ch_page_bounds(&page, &after, &before);
    g_assert_true(ch_uuid_equal(after, page.last));
    g_assert_cmpint(before.bytes[0], ==, 0xff);
    page.created.from_us = INT64_C(4102444800000000); /* later than the cursor */
    ch_page_bounds(&page, &after, &before);
    g_assert_cmpint(ch_uuid_compare(after, page.last), >, 0);
}

static void test_numbered_rows(void)
{
    static const struct {
        ChPage page;
        int64_t after, before;
    } rows[] = {
        { { .oldest_first = false }, 0, G_MAXINT64 },
        { { .oldest_first = true }, 0, G_MAXINT64 },
        { { .has_last = true }, 0, 7 },
        { { .has_last = true, .oldest_first = true }, 7, G_MAXINT64 },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ChPage page = rows[i].page;
        int64_t after = -1;
        int64_t before = -1;
        page.last = ch_http_page_id(7);
        ch_http_page_numbers(&page, &after, &before);
        g_assert_cmpint(after, ==, rows[i].after);
        g_assert_cmpint(before, ==, rows[i].before);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/page/one-question-for-all-that-are-valid",
                    test_one_question_for_all_that_are_valid);
    g_test_add_func("/page/nothing-is-asked-for-nobody", test_nothing_is_asked_for_nobody);
    g_test_add_func("/page/the-link-leads-to-the-next-page", test_the_link_leads_to_the_next_page);
    g_test_add_func("/page/a-link-that-is-too-long-is-left-out",
                    test_a_link_that_is_too_long_is_left_out);
    g_test_add_func("/page/a-cursor-belongs-to-its-order", test_a_cursor_belongs_to_its_order);
    g_test_add_func("/page/no-rows-at-all-are-no-such-thing",
                    test_no_rows_at_all_are_no_such_thing);
    g_test_add_func("/page/bounds", test_bounds);
    g_test_add_func("/page/numbered-rows", test_numbered_rows);
    return g_test_run();
}
