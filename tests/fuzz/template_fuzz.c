/* Templates: parsing, checking, filling in, and the mail that comes of it. Input: the code, then
 * each ended by a zero byte: subject, body, and the values of the placeholders. */
#include "fuzz.h"

#include "chassis/client/mail.h"
#include "notification/application/template_text.h"
#include "notification/application/templates.h"

#include <string.h>

enum {
    MAX_SUBJECT_BYTES = 500, /* of a header */
    MAX_FAULT_BYTES = 1024,
};

/* The name that stands at @at, "{Name}", and where it ends; NULL when it is malformed. */
static char *name_at(const char *at, const char **end)
{
    const char *close = strpbrk(at + 1, "{}");
    if (close == NULL || *close != '}' || close == at + 1)
        return NULL;
    for (const char *c = at + 1; c < close; c++) {
        if (!g_ascii_isalnum(*c) && *c != '_')
            return NULL;
    }
    *end = close + 1;
    return g_strndup(at + 1, (size_t)(close - at - 1));
}

/* What stands for @name; NULL: the code has no such placeholder (with NOTIFICATION_CODES_N every
 * name is one whose value is not known). Free with g_free(). */
static char *value_of(NotificationCode code, const NotificationValues *values, const char *name)
{
    const char *const *names = notification_code_info(code)->placeholders;
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0 && values->text[i] != NULL)
            return g_strdup(values->text[i]);
        if (strcmp(names[i], name) == 0)
            return g_strdup_printf("{%s}", name);
    }
    return code == NOTIFICATION_CODES_N ? g_strdup_printf("{%s}", name) : NULL;
}

/* The second opinion: the rules of template_text.h, one character after another. NULL: a fault. */
static char *expected_text(const char *text, NotificationCode code,
                           const NotificationValues *values)
{
    g_autoptr(GString) rendered = g_string_new(NULL);
    while (*text != '\0') {
        if ((text[0] == '{' || text[0] == '}') && text[1] == text[0]) {
            g_string_append_c(rendered, text[0]);
            text += 2;
        } else if (*text == '}') {
            return NULL;
        } else if (*text == '{') {
            g_autofree char *name = name_at(text, &text);
            g_autofree char *value = name == NULL ? NULL : value_of(code, values, name);
            if (value == NULL)
                return NULL;
            g_string_append(rendered, value);
        } else {
            g_string_append_c(rendered, *text++);
        }
    }
    return g_string_free(g_steal_pointer(&rendered), FALSE);
}

static void check_text(const char *text, NotificationCode code, const NotificationValues *values)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    g_autoptr(GError) error = NULL;
    notification_text_check(text, code, "body", violations);
    g_autofree char *expected = expected_text(text, code, values);
    g_autofree char *rendered = notification_text_render(text, code, values, &error);
    g_assert_true((ch_violations_count(violations) == 0) == (expected != NULL));
    bool fits = expected != NULL && strlen(expected) <= NOTIFICATION_MAX_RENDERED_BYTES;
    if (fits)
        g_assert_cmpstr(rendered, ==, expected);
    else
        g_assert_null(rendered);
    if (error != NULL)
        fuzz_assert_error(error, CH_ERROR_FAILED, MAX_FAULT_BYTES);
}

/* What was accepted can be filled in, and what was filled in can be sent. */
static void check_mail(const NotificationTemplate *template, const NotificationValues *values)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *subject = NULL;
    g_autofree char *body = NULL;
    if (!notification_template_render(template, values, &subject, &body, &error)) {
        g_assert_true(g_str_has_suffix(error->message, "bytes")); /* too long, nothing else */
        return;
    }
    g_assert_cmpuint(strlen(subject), <=, MAX_SUBJECT_BYTES);
    g_assert_true(fuzz_is_printable(subject));
    const ChMail mail = {
        .from = "shop@example.com",
        .to = "customer@example.com",
        .message_id = "id@example.com",
        .subject = subject,
        .body = body,
    };
    GString *text = ch_mail_render(&mail, &error);
    g_assert_no_error(error);
    g_string_free(text, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    NotificationCode code = fuzz_byte(&input) % (NOTIFICATION_CODES_N + 1);
    NotificationTemplate template = {
        .code = code,
        .channel = NOTIFICATION_EMAIL,
        .subject = fuzz_utf8(&input),
        .body = fuzz_utf8(&input),
    };
    NotificationValues values = { { NULL } };
    const char *const *names = notification_code_info(code)->placeholders;
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL && input.left > 0;
         i++) {
        g_autofree char *value = fuzz_utf8(&input);
        notification_values_set(&values, code, names[i], value);
    }
    check_text(template.subject, code, &values);
    check_text(template.body, code, &values);
    g_autoptr(ChViolations) violations = ch_violations_new();
    notification_template_check(&template, violations);
    if (ch_violations_count(violations) == 0)
        check_mail(&template, &values);
    notification_values_clear(&values);
    g_free(template.subject);
    g_free(template.body);
    return 0;
}
