/* Creating, changing and deleting templates. */
#include "notification/api/write_templates.h"

#include "chassis/http/etag.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "notification/api/record.h"
#include "notification/api/stores.h"
#include "notification/api/template_json.h"

#define PATH "/api/notificationtemplates/"

static const ChHttpProblem exists = { "template-exists", 409, "Template exists" };
static const ChHttpProblem changed = { "template-changed", 409, "Template changed" };
static const ChHttpProblem last_active = { "template-last-active", 409, "Last active template" };
static const ChHttpProblem too_many = { "too-many-templates", 409, "Too many templates" };

static NotificationTemplateStore *templates_of(void *writes)
{
    return ((const NotificationWrites *)writes)->templates;
}

static void respond_stored(ChHttpRequest *request, unsigned status,
                           const NotificationTemplate *template)
{
    notification_api_respond_template(request, status, template);
    if (status != 201)
        return;
    char location[sizeof PATH + CH_UUID_TEXT_BYTES] = PATH;
    ch_uuid_format(template->id, location + sizeof PATH - 1);
    ch_http_respond_header(request, "Location", location);
}

/* 412 answers a header, 409 a member of the body. */
static void respond_stale(ChHttpRequest *request)
{
    bool by_header = ch_http_request_header(request, "If-Match") != NULL;
    ch_http_respond_problem(request, by_header ? &ch_http_changed_meanwhile : &changed,
                            "the template was changed meanwhile: read it again");
}

/* Everything but DONE. */
static void respond_refused(ChHttpRequest *request, NotificationTemplateOutcome outcome)
{
    switch (outcome) {
    case NOTIFICATION_TEMPLATE_DONE:
        g_assert_not_reached();
    case NOTIFICATION_TEMPLATE_UNKNOWN:
        notification_api_respond_no_template(request);
        return;
    case NOTIFICATION_TEMPLATE_TAKEN:
        ch_http_respond_problem(request, &exists,
                                "there is another template for this code, channel and language");
        return;
    case NOTIFICATION_TEMPLATE_STALE:
        respond_stale(request);
        return;
    case NOTIFICATION_TEMPLATE_LAST:
        ch_http_respond_problem(request, &last_active,
                                "no other template of this code is active: customers would hear "
                                "nothing; with force=true it is done all the same");
        return;
    case NOTIFICATION_TEMPLATE_FULL:
        ch_http_respond_problem(request, &too_many,
                                "there may be %d templates, of %d bytes of text together",
                                NOTIFICATION_MAX_TEMPLATES, NOTIFICATION_MAX_TEMPLATE_BYTES);
        return;
    }
}

bool notification_api_create_template(void *writes, ChHttpRequest *const *requests, size_t n,
                                      GError **error)
{
    NotificationTemplateStore *store = templates_of(writes);
    g_autoptr(GPtrArray) templates = g_ptr_array_new_with_free_func(notification_template_free);
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree NotificationTemplateOutcome *outcomes = g_new0(NotificationTemplateOutcome, n);
    for (size_t i = 0; i < n; i++) {
        NotificationTemplate *template =
            notification_api_read_template(requests[i], ch_uuid_new(), NULL);
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
        const NotificationTemplate *template = g_ptr_array_index(templates, i);
        if (outcomes[i] != NOTIFICATION_TEMPLATE_DONE) {
            respond_refused(askers[i], outcomes[i]);
            continue;
        }
        notification_api_note_template(askers[i], template->id, 0, template);
        respond_stored(askers[i], 201, template);
    }
    return true;
}

/* ---- changes ---- */

/* False when the request was answered. */
typedef bool (*ReadChange)(ChHttpRequest *request, NotificationTemplateChange *change);

static bool read_force(ChHttpRequest *request, NotificationTemplateChange *change)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    change->expected = ch_http_if_match(request);
    ch_http_query_bool(request, "force", &change->force, violations);
    if (ch_violations_count(violations) == 0)
        return true;
    ch_http_respond_violations(request, violations);
    return false;
}

static bool read_update(ChHttpRequest *request, NotificationTemplateChange *change)
{
    ChExpected by_body;
    if (!read_force(request, change))
        return false;
    change->template = notification_api_read_template(request, change->id, &by_body);
    if (change->template == NULL)
        return false;
    if (by_body.n == 0)
        return true;
    if (change->expected.n > 0 && !ch_expected_allows(&change->expected, by_body.versions[0]))
        by_body.versions[0] = NOTIFICATION_NO_VERSION; /* they contradict each other */
    change->expected = by_body;
    return true;
}

static void respond_changed(ChHttpRequest *request, const NotificationTemplateChange *change,
                            NotificationTemplateOutcome outcome)
{
    if (outcome != NOTIFICATION_TEMPLATE_DONE) {
        respond_refused(request, outcome);
        return;
    }
    notification_api_note_template(request, change->id, change->was_version, change->template);
    if (change->template == NULL)
        ch_http_respond_empty(request, 204);
    else
        respond_stored(request, 200, change->template);
}

static void clear_change(void *change)
{
    notification_template_free(((NotificationTemplateChange *)change)->template);
}

static bool change_each(NotificationTemplateStore *store, ReadChange read,
                        ChHttpRequest *const *requests, size_t n, GError **error)
{
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(NotificationTemplateChange));
    g_autofree ChHttpRequest **askers = g_new(ChHttpRequest *, n);
    g_autofree NotificationTemplateOutcome *outcomes = g_new0(NotificationTemplateOutcome, n);
    g_array_set_clear_func(changes, clear_change);
    for (size_t i = 0; i < n; i++) {
        NotificationTemplateChange change = { .force = false };
        if (!ch_http_param_uuid(requests[i], "id", &change.id)) {
            notification_api_respond_no_template(requests[i]);
        } else if (read(requests[i], &change)) {
            askers[changes->len] = requests[i];
            g_array_append_val(changes, change);
        }
    }
    NotificationTemplateChange *all = (NotificationTemplateChange *)(void *)changes->data;
    if (changes->len > 0 && !store->ops->change(store, all, changes->len, outcomes, error))
        return false;
    for (guint i = 0; i < changes->len; i++)
        respond_changed(askers[i], &all[i], outcomes[i]);
    return true;
}

bool notification_api_update_template(void *writes, ChHttpRequest *const *requests, size_t n,
                                      GError **error)
{
    return change_each(templates_of(writes), read_update, requests, n, error);
}

bool notification_api_delete_template(void *writes, ChHttpRequest *const *requests, size_t n,
                                      GError **error)
{
    return change_each(templates_of(writes), read_force, requests, n, error);
}
