/* The rules of templates. */
#include "notification/application/templates.h"

#include "notification/application/template_text.h"

#include <string.h>

#define DEFAULT_LANGUAGE "en"

enum {
    MAX_RENDERED_SUBJECT_BYTES = 500, /* what fits one header of a mail */
};

/* Letters, digits and hyphens, a letter first: BCP 47 without its grammar. */
static bool is_language(const char *text)
{
    static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t n = strlen(text);
    return n >= 2 && n <= NOTIFICATION_MAX_LANGUAGE_CHARS && g_ascii_islower(text[0]) &&
           g_ascii_isalnum(text[n - 1]) && strspn(text, more) == n;
}

/* Nothing that a header or a terminal would act upon: control characters, line separators. */
static bool is_control(gunichar c)
{
    return g_unichar_iscntrl(c) || c == 0x2028 || c == 0x2029;
}

static bool has_control(const char *text)
{
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        if (is_control(g_utf8_get_char(c)))
            return true;
    }
    return false;
}

static void check_subject(const NotificationTemplate *template, ChViolations *violations)
{
    if (template->channel == NOTIFICATION_EMAIL && *template->subject == '\0')
        ch_violations_add(violations, "subject", "is required for channel 1 (Email)");
    if (has_control(template->subject))
        ch_violations_add(violations, "subject", "must be one line without control characters");
    notification_text_check(template->subject, template->code, "subject", violations);
}

void notification_template_check(const NotificationTemplate *template, ChViolations *violations)
{
    if (template->language != NULL && !is_language(template->language))
        ch_violations_add(violations, "language", "must be a language tag such as en or de-AT");
    if (template->subject != NULL)
        check_subject(template, violations);
    if (template->body != NULL)
        notification_text_check(template->body, template->code, "body", violations);
}

/* Values may bring line ends and length into a subject. */
static char *as_header(const char *text)
{
    GString *header = g_string_new(NULL);
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        if (header->len + (gsize)(g_utf8_next_char(c) - c) > MAX_RENDERED_SUBJECT_BYTES)
            break;
        g_string_append_unichar(header, is_control(character) ? ' ' : character);
    }
    return g_string_free(header, FALSE);
}

bool notification_template_render(const NotificationTemplate *template,
                                  const NotificationValues *values, char **subject, char **body,
                                  GError **error)
{
    g_autofree char *line =
        notification_text_render(template->subject, template->code, values, error);
    if (line == NULL) {
        g_prefix_error(error, "subject: ");
        return false;
    }
    char *text = notification_text_render(template->body, template->code, values, error);
    if (text == NULL) {
        g_prefix_error(error, "body: ");
        return false;
    }
    *subject = as_header(line);
    *body = text;
    return true;
}

/* The template in exactly the first @length characters of @language. */
static const NotificationTemplate *find_in(const GPtrArray *templates, NotificationCode code,
                                           NotificationChannelKind channel, const char *language,
                                           size_t length)
{
    for (guint i = 0; i < templates->len; i++) {
        const NotificationTemplate *template = g_ptr_array_index(templates, i);
        if (template->code == code && template->channel == channel &&
            strlen(template->language) == length &&
            g_ascii_strncasecmp(template->language, language, length) == 0)
            return template;
    }
    return NULL;
}

const NotificationTemplate *notification_template_choose(const GPtrArray *templates,
                                                         NotificationCode code,
                                                         NotificationChannelKind channel,
                                                         const char *language)
{
    const NotificationTemplate *found = NULL;
    if (language != NULL)
        found = find_in(templates, code, channel, language, strlen(language));
    if (found == NULL && language != NULL)
        found = find_in(templates, code, channel, language, strcspn(language, "-_"));
    if (found == NULL)
        found = find_in(templates, code, channel, DEFAULT_LANGUAGE, strlen(DEFAULT_LANGUAGE));
    return found;
}
