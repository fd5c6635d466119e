/* Pages of lists, and their cursors. */
#include "chassis/http/page.h"

#include "chassis/core/hex.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/http/request_life.h"
#include "chassis/json/json_writer.h"

#include <string.h>

enum {
    BYTES_A_ROW = 512, /* a guess to begin with */
    HASH_BYTES = 8,
    MAX_NAME_BYTES = 64, /* of a parameter in a table of routes */
    MAX_SORT_CHARS = 16,
};

/* ---- cursors ---- */

/* FNV-1a over a text and its end, in lower case: the same id may be written in either. */
static uint64_t mix(uint64_t hash, const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        hash = (hash ^ (uint64_t)(unsigned char)g_ascii_tolower(*c)) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t mix_parameter(uint64_t hash, const ChHttpRequest *request, const char *name)
{
    const char *value = ch_http_request_query(request, name);
    if (value == NULL || strcmp(name, "cursor") == 0 || strcmp(name, "limit") == 0)
        return hash;
    return mix(mix(hash, name), value);
}

/* Of what chooses the rows: the list, what its path names, its filters in the order of the table.
 */
static uint64_t query_hash(const ChHttpRequest *request)
{
    uint64_t hash = mix(UINT64_C(14695981039346656037), request->match.route->operation_id);
    for (size_t i = 0; i < request->match.params_n; i++)
        hash = mix(hash, request->match.params[i].value);
    char name[MAX_NAME_BYTES];
    for (const char *rest = request->match.route->query;
         ch_http_query_next_name(&rest, name, sizeof name);)
        hash = mix_parameter(hash, request, name);
    return hash;
}

static void hash_bytes(const ChHttpRequest *request, uint8_t bytes[HASH_BYTES])
{
    uint64_t hash = GUINT64_TO_BE(query_hash(request));
    memcpy(bytes, &hash, HASH_BYTES);
}

bool ch_http_page_cursor(const ChHttpRequest *request, ChUuid *last, ChViolations *violations)
{
    const char *text = NULL;
    ChUuid id;
    uint8_t given[HASH_BYTES];
    uint8_t own[HASH_BYTES];
    if (!ch_http_query_text(request, "cursor", CH_HTTP_CURSOR_BYTES, &text, violations))
        return false;
    if (strlen(text) != CH_HTTP_CURSOR_BYTES - 1 || !ch_hex_read(text, id.bytes, sizeof id.bytes) ||
        !ch_hex_read(text + 2 * sizeof id.bytes, given, HASH_BYTES)) {
        ch_violations_add(violations, "cursor", "must be a nextCursor of this list");
        return false;
    }
    hash_bytes(request, own);
    if (memcmp(given, own, HASH_BYTES) != 0) {
        ch_violations_add(violations, "cursor",
                          "belongs to another query: filters stay the same from page to page");
        return false;
    }
    *last = id;
    return true;
}

void ch_http_page_cursor_after(const ChHttpRequest *request, ChUuid last,
                               char text[CH_HTTP_CURSOR_BYTES])
{
    uint8_t hash[HASH_BYTES];
    hash_bytes(request, hash);
    ch_hex_write(last.bytes, sizeof last.bytes, text);
    ch_hex_write(hash, HASH_BYTES, text + 2 * sizeof last.bytes);
    text[CH_HTTP_CURSOR_BYTES - 1] = '\0';
}

/* ---- pages ---- */

ChUuid ch_http_page_id(int64_t number)
{
    ChUuid id = { { 0 } };
    uint64_t bytes = GUINT64_TO_BE((uint64_t)number);
    memcpy(id.bytes + 8, &bytes, sizeof bytes);
    return id;
}

static int64_t number_of(ChUuid id)
{
    uint64_t bytes;
    memcpy(&bytes, id.bytes + 8, sizeof bytes);
    return (int64_t)(GUINT64_FROM_BE(bytes) & G_MAXINT64);
}

void ch_http_page_numbers(const ChPage *page, int64_t *after, int64_t *before)
{
    *after = page->has_last && page->oldest_first ? number_of(page->last) : 0;
    *before = page->has_last && !page->oldest_first ? number_of(page->last) : G_MAXINT64;
}

/* *last: the id of the last row that was written. */
static GString *make_page(const ChHttpRequest *request, const GPtrArray *rows, size_t limit,
                          ChHttpWriteRow write_row, ChUuid *last)
{
    size_t n = MIN(rows->len, limit);
    GString *json = g_string_sized_new(BYTES_A_ROW * (n + 1));
    ch_json_begin_object(json, NULL);
    ch_json_begin_array(json, "items");
    for (size_t i = 0; i < n; i++)
        *last = write_row(json, g_ptr_array_index(rows, i));
    ch_json_end_array(json);
    if (rows->len > limit) {
        char cursor[CH_HTTP_CURSOR_BYTES];
        ch_http_page_cursor_after(request, *last, cursor);
        ch_json_add_text(json, "nextCursor", cursor);
    }
    ch_json_end_object(json);
    return json;
}

GString *ch_http_page(const ChHttpRequest *request, const GPtrArray *rows, size_t limit,
                      ChHttpWriteRow write_row)
{
    ChUuid last = { 0 };
    return make_page(request, rows, limit, write_row, &last);
}

void ch_http_respond_next(ChHttpRequest *request, ChUuid last, size_t limit)
{
    char cursor[CH_HTTP_CURSOR_BYTES];
    g_autoptr(GString) link = g_string_new("<");
    ch_http_page_cursor_after(request, last, cursor);
    g_string_append_printf(link, "%s?", ch_http_request_path(request));
    for (size_t i = 0; i < request->query_params_n; i++) {
        const ChHttpParam *param = &request->query_params[i];
        if (strcmp(param->name, "cursor") == 0 || strcmp(param->name, "limit") == 0)
            continue;
        g_autofree char *value = g_uri_escape_string(param->value, NULL, false);
        g_string_append_printf(link, "%s=%s&", param->name, value);
    }
    g_string_append_printf(link, "limit=%zu&cursor=%s>; rel=\"next\"", limit, cursor);
    if (link->len <= CH_HTTP_MAX_ANSWER_HEADER_BYTES) /* else it was asked for oddly */
        ch_http_respond_header(request, "Link", link->str);
}

void ch_http_respond_page(ChHttpRequest *request, const GPtrArray *rows, size_t limit,
                          ChHttpWriteRow write_row)
{
    ChUuid last = { 0 };
    ch_http_respond_json(request, 200, make_page(request, rows, limit, write_row, &last));
    if (rows->len > limit)
        ch_http_respond_next(request, last, limit);
}

/* ---- lists ---- */

static void read_sort(const ChHttpRequest *request, ChPage *page, ChViolations *violations)
{
    const char *sort;
    if (!ch_http_query_text(request, "sort", MAX_SORT_CHARS, &sort, violations))
        return;
    page->oldest_first = strcmp(sort, "oldest") == 0;
    if (!page->oldest_first && strcmp(sort, "newest") != 0)
        ch_violations_add(violations, "sort", "must be newest or oldest");
}

static void read_page(const ChHttpList *list, const ChHttpRequest *request, ChPage *page,
                      ChViolations *violations)
{
    *page = (ChPage){ .rows = list->default_limit };
    ch_http_query_integer(request, "limit", 1, list->max_limit, &page->rows, violations);
    page->has_last = ch_http_page_cursor(request, &page->last, violations);
    ch_http_query_created(request, &page->created, violations);
    read_sort(request, page, violations);
}

/* False when the request was answered. */
static bool read_query(const ChHttpList *list, ChHttpRequest *request, void *query, size_t *limit)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    ChPage page;
    read_page(list, request, &page, violations);
    *limit = (size_t)page.rows++; /* to know of the next page */
    memset(query, 0, list->query_bytes);
    bool answered = !list->read(request, &page, query, violations);
    if (ch_violations_count(violations) > 0)
        ch_http_respond_violations(request, violations);
    return !answered && ch_violations_count(violations) == 0;
}

/* The first page of all that there is. */
static bool wants_all(const ChHttpRequest *request)
{
    return ch_http_request_query_count(request, "cursor") == 0 &&
           ch_http_request_query_count(request, "createdAfter") == 0 &&
           ch_http_request_query_count(request, "createdBefore") == 0;
}

static void answer(const ChHttpList *list, ChHttpRequest *request, const GPtrArray *rows,
                   size_t limit)
{
    if (rows == NULL || (list->has_rows && rows->len == 0 && wants_all(request)))
        list->respond_unknown(request);
    else if (list->respond != NULL)
        list->respond(request, rows, limit);
    else
        ch_http_respond_page(request, rows, limit, list->write_row);
}

bool ch_http_list(const ChHttpList *list, void *context, ChHttpRequest *const *requests, size_t n,
                  GError **error)
{
    g_autofree char *queries = g_malloc_n(n, list->query_bytes);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree size_t *limits = g_new(size_t, n);
    g_autofree GPtrArray **pages = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (read_query(list, requests[i], queries + valid * list->query_bytes, &limits[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !list->ask(context, queries, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        answer(list, askers[i], pages[i], limits[i]);
        g_clear_pointer(&pages[i], g_ptr_array_unref);
    }
    return true;
}
