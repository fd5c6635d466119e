/* Reading and writing templates. */
#include "notification/api/template_json.h"

#include "chassis/http/etag.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"
#include "chassis/json/json_read.h"
#include "chassis/json/json_writer.h"
#include "notification/application/template_text.h"
#include "notification/application/templates.h"

static const ChHttpProblem cannot_be_filled_in = { "template-cannot-be-filled-in", 422,
                                                   "Cannot be filled in" };

/* ---- out ---- */

void notification_api_write_template(GString *json, const NotificationTemplate *template)
{
    ch_json_begin_object(json, NULL);
    ch_json_add_uuid(json, "id", template->id);
    ch_json_add_text(json, "templateCode", notification_code_info(template->code)->name);
    ch_json_add_integer(json, "channel", template->channel);
    ch_json_add_text(json, "language", template->language);
    ch_json_add_text(json, "subject", template->subject);
    ch_json_add_text(json, "body", template->body);
    ch_json_add_bool(json, "isActive", template->is_active);
    ch_json_add_integer(json, "version", template->version);
    if (template->changed_us != 0)
        ch_json_add_time(json, "changedAt", template->changed_us);
    ch_json_end_object(json);
}

void notification_api_respond_template(ChHttpRequest *request, unsigned status,
                                       const NotificationTemplate *template)
{
    GString *json = g_string_sized_new(512);
    notification_api_write_template(json, template);
    ch_http_respond_json(request, status, json);
    ch_http_respond_etag(request, template->version);
}

void notification_api_respond_no_template(ChHttpRequest *request)
{
    ch_http_respond_problem(request, &ch_http_not_found, "there is no such template");
}

/* ---- in ---- */

static NotificationCode read_code(ChJsonValue root, ChViolations *violations)
{
    const char *name = NULL;
    if (!ch_json_read_text(root, "templateCode", CH_JSON_REQUIRED, 1, 64, &name, violations))
        return NOTIFICATION_CODES_N;
    NotificationCode code = notification_code_find(name);
    if (code == NOTIFICATION_CODES_N)
        ch_json_violation(root, "templateCode", violations,
                          "must be ORDER_CONFIRMED or ORDER_CANCELLED");
    return code;
}

static void read_members(ChJsonValue root, ChJsonNeed language_need, NotificationTemplate *template,
                         ChViolations *violations)
{
    int64_t channel = NOTIFICATION_NO_CHANNEL;
    const char *language = NULL, *subject = NULL, *body = NULL;
    template->code = read_code(root, violations);
    ch_json_read_integer(root, "channel", CH_JSON_REQUIRED, NOTIFICATION_EMAIL, NOTIFICATION_SMS,
                         &channel, violations);
    ch_json_read_text(root, "language", language_need, 2, NOTIFICATION_MAX_LANGUAGE_CHARS,
                      &language, violations);
    ChJsonNeed subject_need = channel == NOTIFICATION_SMS ? CH_JSON_OPTIONAL : CH_JSON_REQUIRED;
    bool has_subject = ch_json_read_text(root, "subject", subject_need, 0,
                                         NOTIFICATION_MAX_SUBJECT_CHARS, &subject, violations);
    ch_json_read_text(root, "body", CH_JSON_REQUIRED, 1, NOTIFICATION_MAX_BODY_CHARS, &body,
                      violations);
    ch_json_read_bool(root, "isActive", CH_JSON_OPTIONAL, &template->is_active, violations);
    template->channel = (NotificationChannelKind)channel;
    template->language = language != NULL ? g_ascii_strdown(language, -1) : NULL;
    template->subject = g_strdup(has_subject || channel != NOTIFICATION_SMS ? subject : "");
    template->body = g_strdup(body);
}

static NotificationTemplate *new_template(ChUuid id)
{
    NotificationTemplate *template = g_new0(NotificationTemplate, 1);
    template->id = id;
    template->version = 1;
    template->is_active = true;
    return template;
}

static void read_expected(ChJsonValue root, ChExpected *expected, ChViolations *violations)
{
    *expected = (ChExpected){ .n = 0 };
    expected->n = ch_json_read_integer(root, "version", CH_JSON_OPTIONAL, 0, G_MAXINT32,
                                       &expected->versions[0], violations);
}

NotificationTemplate *notification_api_read_template(ChHttpRequest *request, ChUuid id,
                                                     ChExpected *expected)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    g_autoptr(NotificationTemplate) template = new_template(id);
    if (json != NULL) {
        read_members(ch_json_root(json), CH_JSON_REQUIRED, template, violations);
        if (expected != NULL)
            read_expected(ch_json_root(json), expected, violations);
        notification_template_check(template, violations);
    }
    if (ch_violations_count(violations) == 0)
        return g_steal_pointer(&template);
    ch_http_respond_violations(request, violations);
    return NULL;
}

/* ---- previews ---- */

/* A text, or a number as it would be shown. */
static void read_value(ChJsonValue data, const char *name, NotificationCode code,
                       NotificationValues *values, ChViolations *violations)
{
    char number[CH_DECIMAL_TEXT_BYTES];
    ChDecimal decimal;
    const char *text = NULL;
    if (ch_json_kind(ch_json_member(data, name)) == CH_JSON_NUMBER) {
        if (!ch_json_read_decimal(data, name, CH_JSON_OPTIONAL, INT64_MIN, INT64_MAX, &decimal,
                                  violations))
            return;
        ch_decimal_format(decimal, number);
        text = number;
    } else if (!ch_json_read_text(data, name, CH_JSON_OPTIONAL, 0, NOTIFICATION_MAX_VALUE_CHARS,
                                  &text, violations)) {
        return;
    }
    notification_values_set(values, code, name, text);
}

static void read_data(ChJsonValue root, NotificationCode code, NotificationValues *values,
                      ChViolations *violations)
{
    ChJsonValue data = ch_json_read_object(root, "data", CH_JSON_REQUIRED, violations);
    const char *const *names = notification_code_info(code)->placeholders;
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++)
        read_value(data, names[i], code, values, violations);
}

/* False when there are violations: they are the answer, and *values is empty. */
static bool preview_is_valid(ChHttpRequest *request, NotificationValues *values,
                             const ChViolations *violations)
{
    if (ch_violations_count(violations) == 0)
        return true;
    notification_values_clear(values);
    ch_http_respond_violations(request, violations);
    return false;
}

bool notification_api_read_preview(ChHttpRequest *request, NotificationCode code,
                                   NotificationValues *values)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    if (json != NULL)
        read_data(ch_json_root(json), code, values, violations);
    return preview_is_valid(request, values, violations);
}

NotificationTemplate *notification_api_read_draft(ChHttpRequest *request,
                                                  NotificationValues *values)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(ChJson) json = ch_http_request_json(request, violations);
    g_autoptr(NotificationTemplate) template = new_template((ChUuid){ { 0 } });
    if (json != NULL) {
        read_members(ch_json_root(json), CH_JSON_OPTIONAL, template, violations);
        notification_template_check(template, violations);
        read_data(ch_json_root(json), template->code, values, violations);
    }
    return preview_is_valid(request, values, violations) ? g_steal_pointer(&template) : NULL;
}

static void add_missing(GString *json, const NotificationTemplate *template,
                        const NotificationValues *values)
{
    const char *const *names = notification_code_info(template->code)->placeholders;
    bool missing[NOTIFICATION_MAX_PLACEHOLDERS] = { false };
    bool any = false;
    notification_text_missing(template->subject, template->code, values, missing);
    notification_text_missing(template->body, template->code, values, missing);
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS; i++) {
        if (!missing[i])
            continue;
        if (!any)
            ch_json_begin_array(json, "missing");
        any = true;
        ch_json_add_text(json, NULL, names[i]);
    }
    if (any)
        ch_json_end_array(json);
}

void notification_api_respond_preview(ChHttpRequest *request, const NotificationTemplate *template,
                                      const NotificationValues *values)
{
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    g_autoptr(GError) why = NULL;
    if (!notification_template_render(template, values, &subject, &body, &why)) {
        ch_http_respond_problem(request, &cannot_be_filled_in, "%s", why->message);
        return;
    }
    GString *json = g_string_sized_new(512);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "subject", subject);
    ch_json_add_text(json, "body", body);
    add_missing(json, template, values);
    ch_json_end_object(json);
    ch_http_respond_json(request, 200, json);
}
