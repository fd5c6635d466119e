/* Showing templates, and how they would look filled in. */
#include "notification/api/read_templates.h"

#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "notification/api/stores.h"
#include "notification/api/template_json.h"
#include "notification/application/ports.h"

/* ---- many ---- */

static ChUuid write_row(GString *json, const void *row)
{
    const NotificationTemplate *template = row;
    notification_api_write_template(json, template);
    return template->id;
}

static bool read_page(ChHttpRequest *request G_GNUC_UNUSED, const ChPage *page, void *query,
                      ChViolations *violations G_GNUC_UNUSED)
{
    *(ChPage *)query = *page;
    return true;
}

static bool ask_pages(void *context, const void *queries, size_t n, GPtrArray **pages,
                      GError **error)
{
    NotificationTemplateReads *templates = ((const NotificationLists *)context)->templates;
    return templates->ops->list(templates, queries, n, pages, error);
}

static const ChHttpList templates_list = {
    .query_bytes = sizeof(ChPage),
    .default_limit = 100, /* they are few: most clients want all of them */
    .max_limit = 100,
    .read = read_page,
    .ask = ask_pages,
    .write_row = write_row,
};

bool notification_api_list_templates(void *lists, ChHttpRequest *const *requests, size_t n,
                                     GError **error)
{
    return ch_http_list(&templates_list, lists, requests, n, error);
}

/* ---- one ---- */

typedef void (*Answer)(ChHttpRequest *request, const NotificationTemplate *template);

/* Finds the templates that the paths name, and answers each request with its own. */
static bool answer_each(NotificationTemplateReads *store, ChHttpRequest *const *requests, size_t n,
                        Answer answer, GError **error)
{
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree NotificationTemplate **found = g_new0(NotificationTemplate *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_param_uuid(requests[i], "id", &ids[valid]))
            askers[valid++] = requests[i];
        else
            notification_api_respond_no_template(requests[i]);
    }
    if (valid > 0 && !store->ops->find(store, ids, valid, found, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (found[i] == NULL)
            notification_api_respond_no_template(askers[i]);
        else
            answer(askers[i], found[i]);
        notification_template_free(found[i]);
    }
    return true;
}

static NotificationTemplateReads *templates_of(void *reads)
{
    return ((const NotificationReads *)reads)->templates;
}

static void show(ChHttpRequest *request, const NotificationTemplate *template)
{
    notification_api_respond_template(request, 200, template);
}

bool notification_api_get_template(void *context, ChHttpRequest *const *requests, size_t n,
                                   GError **error)
{
    return answer_each(templates_of(context), requests, n, show, error);
}

/* ---- preview ---- */

static void preview(ChHttpRequest *request, const NotificationTemplate *template)
{
    NotificationValues values = { { NULL } };
    if (!notification_api_read_preview(request, template->code, &values))
        return;
    notification_api_respond_preview(request, template, &values);
    notification_values_clear(&values);
}

bool notification_api_preview_template(void *context, ChHttpRequest *const *requests, size_t n,
                                       GError **error)
{
    return answer_each(templates_of(context), requests, n, preview, error);
}

bool notification_api_preview_draft(void *context G_GNUC_UNUSED, ChHttpRequest *const *requests,
                                    size_t n, GError **error G_GNUC_UNUSED)
{
    for (size_t i = 0; i < n; i++) {
        NotificationValues values = { { NULL } };
        g_autoptr(NotificationTemplate) draft = notification_api_read_draft(requests[i], &values);
        if (draft == NULL)
            continue;
        notification_api_respond_preview(requests[i], draft, &values);
        notification_values_clear(&values);
    }
    return true;
}

/* ---- versions ---- */

static ChUuid write_version(GString *json, const void *row)
{
    const NotificationTemplate *template = row;
    notification_api_write_template(json, template);
    return ch_http_page_id(template->version);
}

static bool read_versions(ChHttpRequest *request, const ChPage *page, void *query,
                          ChViolations *violations G_GNUC_UNUSED)
{
    NotificationVersionRange *range = query;
    *range = (NotificationVersionRange){
        .limit = page->rows,
        .oldest_first = page->oldest_first,
        .changed = page->created,
    };
    ch_http_page_numbers(page, &range->after, &range->before);
    if (ch_http_param_uuid(request, "id", &range->template_id))
        return true;
    notification_api_respond_no_template(request);
    return false;
}

static bool ask_versions(void *context, const void *queries, size_t n, GPtrArray **pages,
                         GError **error)
{
    NotificationTemplateReads *templates = ((const NotificationLists *)context)->templates;
    return templates->ops->versions(templates, queries, n, pages, error);
}

/* Every template has a first version, a deleted one too. */
static const ChHttpList versions_list = {
    .query_bytes = sizeof(NotificationVersionRange),
    .default_limit = 20,
    .max_limit = 100,
    .read = read_versions,
    .ask = ask_versions,
    .write_row = write_version,
    .respond_unknown = notification_api_respond_no_template,
    .has_rows = true,
};

bool notification_api_list_versions(void *lists, ChHttpRequest *const *requests, size_t n,
                                    GError **error)
{
    return ch_http_list(&versions_list, lists, requests, n, error);
}

static bool version_of(const ChHttpRequest *request, NotificationVersionRange *range)
{
    guint64 version;
    *range = (NotificationVersionRange){ .limit = 1, .changed = CH_TIME_ALWAYS };
    if (!ch_http_param_uuid(request, "id", &range->template_id) ||
        !g_ascii_string_to_unsigned(ch_http_request_param(request, "version"), 10, 1, G_MAXINT32,
                                    &version, NULL))
        return false;
    range->before = (int64_t)version + 1;
    return true;
}

static void respond_version(ChHttpRequest *request, const GPtrArray *found, int64_t version)
{
    const NotificationTemplate *template = found->len == 0 ? NULL : g_ptr_array_index(found, 0);
    if (template == NULL || template->version != version)
        ch_http_respond_problem(request, &ch_http_not_found,
                                "there is no such version of this template");
    else
        notification_api_respond_template(request, 200, template);
}

bool notification_api_get_version(void *context, ChHttpRequest *const *requests, size_t n,
                                  GError **error)
{
    NotificationTemplateReads *store = templates_of(context);
    g_autofree NotificationVersionRange *ranges = g_new(NotificationVersionRange, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **found = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (version_of(requests[i], &ranges[valid]))
            askers[valid++] = requests[i];
        else
            ch_http_respond_problem(requests[i], &ch_http_not_found, "there is no such version");
    }
    if (valid > 0 && !store->ops->versions(store, ranges, valid, found, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        respond_version(askers[i], found[i], ranges[i].before - 1);
        g_ptr_array_unref(found[i]);
    }
    return true;
}
