/* Reading a customer: what the answer holds is not trusted, and not taken too literally. */
#include "notification/infrastructure/customer_json.h"

#include "chassis/client/mail_address.h"
#include "chassis/json/json.h"
#include "notification/application/notifications.h"

#include <glib.h>
#include <string.h>

enum {
    MAX_NAME_CHARS = 200,
    MIN_PHONE_DIGITS = 5,
    MAX_PHONE_DIGITS = 15, /* E.164 */
};

static const char *text_of(ChJsonValue customer, const char *name)
{
    return ch_json_text(ch_json_member(customer, name), NULL);
}

/* @written in one line: white space and control characters become one space, and none at the ends.
 * Cut to @max_chars. NULL when nothing is left. New. */
static char *one_line(const char *written, size_t max_chars)
{
    GString *line = g_string_new(NULL);
    size_t chars = 0;
    bool space = false;
    for (const char *c = written; *c != '\0' && chars < max_chars; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        if (g_unichar_isspace(character) || g_unichar_iscntrl(character)) {
            space = line->len > 0;
            continue;
        }
        if (space && ++chars < max_chars)
            g_string_append_c(line, ' ');
        space = false;
        if (chars++ < max_chars)
            g_string_append_unichar(line, character);
    }
    return g_string_free(line, line->len == 0);
}

static char *read_name(ChJsonValue customer)
{
    const char *written = text_of(customer, "fullName");
    return written != NULL ? one_line(written, MAX_NAME_CHARS) : NULL;
}

/* Says why there is none. */
static char *read_email(ChJsonValue customer, char **why)
{
    const char *written = text_of(customer, "email");
    char *email = written != NULL ? ch_mail_address_clean(written) : NULL;
    if (email == NULL)
        *why = g_strdup(written == NULL || *written == '\0'
                            ? "the customer service knows no e-mail address of the customer"
                            : "the e-mail address that the customer service has cannot be used");
    return email;
}

/* Appends the digit that @c is in any script; false: none. */
static bool append_digit(GString *phone, gunichar c)
{
    int digit = g_unichar_digit_value(c);
    if (digit >= 0)
        g_string_append_c(phone, (char)('0' + digit));
    return digit >= 0;
}

/* What people write between digits. */
static bool is_separator(gunichar c)
{
    return g_unichar_isspace(c) || g_unichar_type(c) == G_UNICODE_DASH_PUNCTUATION ||
           (c < 0x80 && strchr("().,/", (int)c) != NULL);
}

/* As people write it: what stands between the digits is left out. */
static char *read_phone(ChJsonValue customer)
{
    const char *written = text_of(customer, "phone");
    if (written == NULL)
        return NULL;
    g_autoptr(GString) phone = g_string_new(NULL);
    for (const char *c = written; *c != '\0'; c = g_utf8_next_char(c)) {
        gunichar character = g_utf8_get_char(c);
        if (character == '+' && phone->len == 0)
            g_string_append_c(phone, '+');
        else if (!append_digit(phone, character) && !is_separator(character))
            return NULL;
    }
    size_t digits = phone->len - (phone->str[0] == '+' ? 1 : 0);
    if (digits < MIN_PHONE_DIGITS || digits > MAX_PHONE_DIGITS)
        return NULL;
    return g_string_free(g_steal_pointer(&phone), FALSE);
}

/* A tag of BCP 47, with _ for - as some write it. */
static char *read_language(ChJsonValue customer)
{
    const char *written = text_of(customer, "language");
    g_autofree char *language =
        written != NULL ? one_line(written, NOTIFICATION_MAX_LANGUAGE_CHARS + 1) : NULL;
    if (language == NULL || strlen(language) > NOTIFICATION_MAX_LANGUAGE_CHARS)
        return NULL;
    for (char *c = language; *c != '\0'; c++) {
        if (*c == '_')
            *c = '-';
        if (!g_ascii_isalnum(*c) && *c != '-')
            return NULL;
    }
    return g_steal_pointer(&language);
}

bool notification_customer_from_json(const char *text, size_t bytes, NotificationCustomer *customer)
{
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, NULL);
    if (json == NULL || ch_json_kind(ch_json_root(json)) != CH_JSON_OBJECT)
        return false;
    ChJsonValue root = ch_json_root(json);
    customer->answer = NOTIFICATION_CUSTOMER_ANSWERED;
    customer->name = read_name(root);
    customer->email = read_email(root, &customer->why);
    customer->phone = read_phone(root);
    customer->language = read_language(root);
    return true;
}
