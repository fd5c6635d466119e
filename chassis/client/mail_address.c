/* Mail addresses. */
#include "chassis/client/mail_address.h"

#include <glib.h>
#include <idn2.h>
#include <string.h>

enum {
    MAX_LOCAL_BYTES = 64, /* RFC 5321, section 4.5.3.1 */
    MAX_DOMAIN_BYTES = 253,
    MAX_LABEL_BYTES = 63,
};

static bool is_atom_character(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_local_part(const char *text, size_t bytes)
{
    size_t points = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '.')
            points++;
        else if (!is_atom_character(text[i]))
            return false;
    }
    return bytes > points && bytes <= MAX_LOCAL_BYTES;
}

/* Atoms with single points between them: no point first, last or twice. */
static bool is_dot_atom(const char *text, size_t bytes)
{
    return text[0] != '.' && text[bytes - 1] != '.' &&
           g_strstr_len(text, (gssize)bytes, "..") == NULL;
}

static bool is_label(const char *text, size_t bytes)
{
    if (bytes == 0 || bytes > MAX_LABEL_BYTES || text[0] == '-' || text[bytes - 1] == '-')
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (!g_ascii_isalnum(text[i]) && text[i] != '-')
            return false;
    }
    return true;
}

static bool is_domain(const char *text)
{
    if (strlen(text) > MAX_DOMAIN_BYTES)
        return false;
    for (;;) {
        size_t bytes = strcspn(text, ".");
        if (!is_label(text, bytes))
            return false;
        if (text[bytes] == '\0')
            return true;
        text += bytes + 1;
    }
}

bool ch_mail_address_valid(const char *address)
{
    const char *at = strchr(address, '@');
    return at != NULL && is_local_part(address, (size_t)(at - address)) && is_domain(at + 1);
}

/* ---- as people write them ---- */

/* White space of any script, and what is pasted in with it but cannot be seen. */
static bool is_blank(gunichar c)
{
    return g_unichar_isspace(c) || g_unichar_iscntrl(c) || c == 0x200B || c == 0x2060 ||
           c == 0xFEFF;
}

/* @bytes of @text without what is blank at both ends; new. */
static char *trim(const char *text, size_t bytes)
{
    const char *end = text + bytes;
    while (text < end && is_blank(g_utf8_get_char(text)))
        text = g_utf8_next_char(text);
    while (end > text && is_blank(g_utf8_get_char(g_utf8_prev_char(end))))
        end = g_utf8_prev_char(end);
    return g_strndup(text, (size_t)(end - text));
}

/* @domain as DNS has it; NULL when it cannot be. */
static char *domain_to_ascii(const char *domain)
{
    if (g_str_is_ascii(domain))
        return g_strdup(domain);
    char *ascii = NULL;
    if (idn2_to_ascii_8z(domain, &ascii, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
        return NULL;
    char *copy = g_strdup(ascii);
    idn2_free(ascii);
    return copy;
}

char *ch_mail_address_clean(const char *written)
{
    g_autofree char *text = trim(written, strlen(written));
    char *at = strrchr(text, '@');
    if (at == NULL)
        return NULL;
    *at = '\0';
    char *domain = at + 1;
    size_t bytes = strlen(domain);
    if (bytes > 1 && domain[bytes - 1] == '.')
        domain[bytes - 1] = '\0';
    g_autofree char *ascii = domain_to_ascii(domain);
    if (ascii == NULL)
        return NULL;
    g_autofree char *address = g_strdup_printf("%s@%s", text, ascii);
    return ch_mail_address_valid(address) ? g_steal_pointer(&address) : NULL;
}

/* ---- in a mail ---- */

char *ch_mail_address_quoted(const char *address)
{
    const char *at = strchr(address, '@');
    g_assert(at != NULL && at != address);
    size_t bytes = (size_t)(at - address);
    if (is_dot_atom(address, bytes))
        return g_strdup(address);
    return g_strdup_printf("\"%.*s\"%s", (int)bytes, address, at);
}

/* The name before an address, without the quotes that may be around it. "": there is none. NULL:
 * it is no name. Takes @written. */
static char *unquote(char *written)
{
    g_autofree char *text = written;
    size_t bytes = strlen(text);
    if (*text != '"')
        return strpbrk(text, "<>\"") == NULL ? g_steal_pointer(&text) : NULL;
    GString *name = g_string_new(NULL);
    size_t i = 1;
    for (; i < bytes && text[i] != '"'; i++) {
        if (text[i] == '\\' && i + 1 < bytes)
            i++;
        g_string_append_c(name, text[i]);
    }
    bool closed = bytes > 1 && i == bytes - 1;
    return g_string_free(name, !closed);
}

bool ch_mail_sender_parse(const char *written, char **name, char **address)
{
    g_autofree char *text = trim(written, strlen(written));
    size_t bytes = strlen(text);
    char *open = strrchr(text, '<');
    if (open == NULL || text[bytes - 1] != '>') {
        g_autofree char *alone = ch_mail_address_clean(text);
        if (alone == NULL)
            return false;
        *name = NULL;
        *address = g_steal_pointer(&alone);
        return true;
    }
    text[bytes - 1] = '\0';
    g_autofree char *found = ch_mail_address_clean(open + 1);
    g_autofree char *shown = unquote(trim(text, (size_t)(open - text)));
    if (found == NULL || shown == NULL)
        return false;
    *name = *shown != '\0' ? g_steal_pointer(&shown) : NULL;
    *address = g_steal_pointer(&found);
    return true;
}
