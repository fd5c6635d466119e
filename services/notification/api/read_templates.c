/* Showing templates, and how they would look filled in. */
#include "notification/api/read_templates.h"

#include "chassis/http/page.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_writer.h"
#include "notification/api/lists.h"
#include "notification/api/template_json.h"
#include "notification/application/ports.h"
#include "notification/application/templates.h"

enum {
    DEFAULT_LIMIT = 100, /* they are few: most clients want all of them */
    MAX_LIMIT = 100,
};

/* ---- many ---- */

static ChUuid write_row(GString *json, const void *row)
{
    const NotificationTemplate *template = row;
    notification_api_write_template(json, template);
    return template->id;
}

/* False when the request was answered: it is not valid. */
static bool range_of(ChHttpRequest *request, NotificationTemplateRange *range)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    *range = (NotificationTemplateRange){ .limit = DEFAULT_LIMIT };
    ch_http_query_integer(request, "limit", 1, MAX_LIMIT, &range->limit, violations);
    range->has_before = ch_http_page_cursor(request, &range->before, violations);
    range->limit++; /* to know of the next page */
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

bool notification_api_list_templates(void *context, ChHttpRequest *const *requests, size_t n,
                                     GError **error)
{
    const NotificationLists *lists = context;
    g_autofree NotificationTemplateRange *ranges = g_new(NotificationTemplateRange, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree GPtrArray **pages = g_new0(GPtrArray *, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (range_of(requests[i], &ranges[valid]))
            askers[valid++] = requests[i];
    }
    if (valid > 0 && !lists->templates->ops->list(lists->templates, ranges, valid, pages, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        size_t limit = (size_t)ranges[i].limit - 1;
        ch_http_respond_json(askers[i], 200, ch_http_page(askers[i], pages[i], limit, write_row));
        g_ptr_array_unref(pages[i]);
    }
    return true;
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

static void show(ChHttpRequest *request, const NotificationTemplate *template)
{
    notification_api_respond_template(request, 200, template);
}

bool notification_api_get_template(void *context, ChHttpRequest *const *requests, size_t n,
                                   GError **error)
{
    return answer_each(context, requests, n, show, error);
}

/* ---- preview ---- */

static void preview(ChHttpRequest *request, const NotificationTemplate *template)
{
    NotificationValues values = { { NULL } };
    if (!notification_api_read_preview(request, template->code, &values))
        return;
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    g_autoptr(GError) why = NULL;
    if (notification_template_render(template, &values, &subject, &body, &why)) {
        GString *json = g_string_sized_new(512);
        ch_json_begin_object(json, NULL);
        ch_json_add_text(json, "subject", subject);
        ch_json_add_text(json, "body", body);
        ch_json_end_object(json);
        ch_http_respond_json(request, 200, json);
    } else {
        ch_http_respond_problem(request, 422, "Cannot be filled in", "%s", why->message);
    }
    notification_values_clear(&values);
}

bool notification_api_preview_template(void *context, ChHttpRequest *const *requests, size_t n,
                                       GError **error)
{
    return answer_each(context, requests, n, preview, error);
}
