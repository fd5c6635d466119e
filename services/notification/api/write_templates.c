/* Creating, changing and deleting templates. */
#include "notification/api/write_templates.h"

#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "notification/api/template_json.h"
#include "notification/application/ports.h"

#define PATH "/api/notificationtemplates/"

static void respond_taken(ChHttpRequest *request)
{
    ch_http_respond_problem(request, 409, "Template exists",
                            "there is another template for this code, channel and language");
}

static void respond_created(ChHttpRequest *request, const NotificationTemplate *template)
{
    char location[sizeof PATH + CH_UUID_TEXT_BYTES] = PATH;
    ch_uuid_format(template->id, location + sizeof PATH - 1);
    notification_api_respond_template(request, 201, template);
    ch_http_respond_header(request, "Location", location);
}

bool notification_api_create_template(void *opaque, ChHttpRequest *const *requests, size_t n,
                                      GError **error)
{
    NotificationTemplateStore *store = opaque;
    g_autoptr(GPtrArray) templates = g_ptr_array_new_with_free_func(notification_template_free);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree NotificationTemplateOutcome *outcomes = g_new0(NotificationTemplateOutcome, n);
    for (size_t i = 0; i < n; i++) {
        NotificationTemplate *template = notification_api_read_template(requests[i], ch_uuid_new());
        if (template == NULL)
            continue;
        askers[templates->len] = requests[i];
        g_ptr_array_add(templates, template);
    }
    if (templates->len > 0 &&
        !store->ops->insert(store, (const NotificationTemplate *const *)templates->pdata,
                            templates->len, outcomes, error))
        return false;
    for (guint i = 0; i < templates->len; i++) {
        if (outcomes[i] == NOTIFICATION_TEMPLATE_DONE)
            respond_created(askers[i], g_ptr_array_index(templates, i));
        else
            respond_taken(askers[i]);
    }
    return true;
}

static void respond_updated(ChHttpRequest *request, const NotificationTemplate *template,
                            NotificationTemplateOutcome outcome)
{
    switch (outcome) {
    case NOTIFICATION_TEMPLATE_DONE:
        notification_api_respond_template(request, 200, template);
        return;
    case NOTIFICATION_TEMPLATE_UNKNOWN:
        notification_api_respond_no_template(request);
        return;
    case NOTIFICATION_TEMPLATE_TAKEN:
        respond_taken(request);
        return;
    }
}

bool notification_api_update_template(void *opaque, ChHttpRequest *const *requests, size_t n,
                                      GError **error)
{
    NotificationTemplateStore *store = opaque;
    g_autoptr(GPtrArray) templates = g_ptr_array_new_with_free_func(notification_template_free);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree NotificationTemplateOutcome *outcomes = g_new0(NotificationTemplateOutcome, n);
    for (size_t i = 0; i < n; i++) {
        ChUuid id;
        if (!ch_http_param_uuid(requests[i], "id", &id)) {
            notification_api_respond_no_template(requests[i]);
            continue;
        }
        NotificationTemplate *template = notification_api_read_template(requests[i], id);
        if (template == NULL)
            continue;
        askers[templates->len] = requests[i];
        g_ptr_array_add(templates, template);
    }
    if (templates->len > 0 &&
        !store->ops->update(store, (NotificationTemplate *const *)templates->pdata, templates->len,
                            outcomes, error))
        return false;
    for (guint i = 0; i < templates->len; i++)
        respond_updated(askers[i], g_ptr_array_index(templates, i), outcomes[i]);
    return true;
}

bool notification_api_delete_template(void *opaque, ChHttpRequest *const *requests, size_t n,
                                      GError **error)
{
    NotificationTemplateStore *store = opaque;
    g_autofree ChUuid *ids = g_new(ChUuid, n);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree NotificationTemplateOutcome *outcomes = g_new0(NotificationTemplateOutcome, n);
    size_t valid = 0;
    for (size_t i = 0; i < n; i++) {
        if (ch_http_param_uuid(requests[i], "id", &ids[valid]))
            askers[valid++] = requests[i];
        else
            notification_api_respond_no_template(requests[i]);
    }
    if (valid > 0 && !store->ops->remove(store, ids, valid, outcomes, error))
        return false;
    for (size_t i = 0; i < valid; i++) {
        if (outcomes[i] == NOTIFICATION_TEMPLATE_DONE)
            ch_http_respond_empty(askers[i], 204);
        else
            notification_api_respond_no_template(askers[i]);
    }
    return true;
}
