/* Requests to entries, and rows to answers. */
#include "chassis/runtime/audit.h"

#include "chassis/audit/audit.h"
#include "chassis/http/page.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"

enum {
    MAX_WHY_CHARS = 500,
    MAX_SUBJECT_CHARS = 255,
};

/* ---- keeping ---- */

/* What the entries of one request have in common. Texts are borrowed but for the last. */
typedef struct {
    ChAuditEntry entry;
    char address[CH_HTTP_ADDRESS_TEXT_BYTES];
    char *why; /* of the header */
} Asker;

char *ch_audit_reason(const ChHttpRequest *request)
{
    const char *given = ch_http_request_header(request, "X-Reason");
    if (given == NULL || *given == '\0')
        return NULL;
    g_autofree char *text = g_utf8_make_valid(given, -1);
    return g_utf8_substring(text, 0, MIN(g_utf8_strlen(text, -1), MAX_WHY_CHARS));
}

/* An address says who it was where no token does. */
static void asker_init(Asker *asker, const ChHttpRequest *request)
{
    const ChCaller *caller = ch_http_request_caller(request);
    asker->why = ch_audit_reason(request);
    asker->entry = (ChAuditEntry){
        .subject = ch_http_request_actor(request),
        .scope = ch_http_request_scope(request),
        .action = ch_http_request_operation(request),
        .trace = ch_http_request_trace(request),
        .why = asker->why,
    };
    if (caller != NULL) {
        asker->entry.roles = caller->roles;
        asker->entry.token_id = caller->token_id;
    } else {
        ch_http_request_client(request, asker->address);
        asker->entry.address = asker->address;
    }
}

static const char *text_of(const GString *json)
{
    return json == NULL ? NULL : json->str;
}

static void add_entries(GArray *entries, const Asker *asker, const ChHttpRequest *request)
{
    size_t n;
    const ChHttpChange *changes = ch_http_changes(request, &n);
    for (size_t i = 0; i < n; i++) {
        ChAuditEntry entry = asker->entry;
        entry.object = changes[i].object;
        entry.object_id = changes[i].id;
        entry.before = text_of(changes[i].before);
        entry.after = text_of(changes[i].after);
        if (changes[i].why != NULL)
            entry.why = changes[i].why;
        g_array_append_val(entries, entry);
    }
}

bool ch_audit_record(void *pg, ChHttpRequest *const *requests, size_t n, GError **error)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(ChAuditEntry));
    g_autofree Asker *askers = g_new0(Asker, n); /* the texts that entries borrow */
    for (size_t i = 0; i < n; i++) {
        asker_init(&askers[i], requests[i]);
        add_entries(entries, &askers[i], requests[i]);
    }
    bool ok = ch_audit_add(pg, (const ChAuditEntry *)(void *)entries->data, entries->len, error);
    for (size_t i = 0; i < n; i++)
        g_free(askers[i].why);
    return ok;
}

/* ---- reading ---- */

static bool read_filter(ChHttpRequest *request, const ChPage *page, void *query,
                        ChViolations *violations)
{
    ChAuditFilter *filter = query;
    filter->page = *page;
    ch_http_query_uuid(request, "objectId", &filter->object_id, violations);
    ch_http_query_text(request, "subject", MAX_SUBJECT_CHARS, &filter->subject, violations);
    return true;
}

static bool ask(void *log, const void *queries, size_t n, GPtrArray **pages, GError **error)
{
    return ch_audit_log_list(log, queries, n, pages, error);
}

static void add_if_set(GString *json, const char *key, const char *text)
{
    if (text != NULL)
        ch_json_add_text(json, key, text);
}

static ChUuid write_row(GString *json, const void *opaque)
{
    const ChAuditRow *row = opaque;
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", row->id);
    ch_json_add_integer(json, "number", row->number);
    ch_json_add_time(json, "at", row->happened_us);
    ch_json_add_text(json, "subject", row->subject);
    add_if_set(json, "roles", row->roles);
    add_if_set(json, "scope", row->scope);
    add_if_set(json, "tokenId", row->token_id);
    add_if_set(json, "address", row->address);
    ch_json_add_text(json, "action", row->action);
    ch_json_add_text(json, "object", row->object);
    ch_json_add_uuid(json, "objectId", row->object_id);
    if (row->before != NULL)
        ch_json_add_raw(json, "before", row->before);
    if (row->after != NULL)
        ch_json_add_raw(json, "after", row->after);
    add_if_set(json, "why", row->why);
    add_if_set(json, "traceId", row->trace_id);
    ch_json_end_object(json);
    return row->id;
}

static const ChHttpList rows_list = {
    .query_bytes = sizeof(ChAuditFilter),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_filter,
    .ask = ask,
    .write_row = write_row,
};

bool ch_audit_api_list(ChAuditLog *log, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_http_list(&rows_list, log, requests, n, error);
}
