/* What is a mail address. */
#include "chassis/client/mail_address.h"

#include <glib.h>
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

/* Atoms with single points between them: no point first, last or twice. */
static bool is_local_part(const char *text, size_t bytes)
{
    if (bytes == 0 || bytes > MAX_LOCAL_BYTES || text[0] == '.' || text[bytes - 1] == '.')
        return false;
    for (size_t i = 0; i < bytes; i++) {
        bool point = text[i] == '.' && text[i + 1] != '.';
        if (!point && !is_atom_character(text[i]))
            return false;
    }
    return true;
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
