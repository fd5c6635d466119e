/* What a body is that holds no event. */
#include "chassis/messaging/no_event.h"

#include <glib.h>
#include <string.h>

/* Bytes that are no JSON, but something that has a name. NULL: they say nothing. */
static const char *bytes_of_what(const ChDelivery *delivery)
{
    static const struct {
        const char *start, *what;
    } marks[] = {
        { "\xef\xbb\xbf", "the body begins with a byte order mark (UTF-8)" },
        { "\xff\xfe", "the body begins with a byte order mark (UTF-16)" },
        { "\xfe\xff", "the body begins with a byte order mark (UTF-16)" },
        { "\x1f\x8b", "the body is compressed by gzip" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        size_t n = strlen(marks[i].start);
        if (delivery->body_bytes >= n && memcmp(delivery->body, marks[i].start, n) == 0)
            return marks[i].what;
    }
    return NULL;
}

char *ch_no_event(const ChDelivery *delivery, const char *why)
{
    const char *what = bytes_of_what(delivery);
    const char *encoding = delivery->content_encoding;
    return g_strdup_printf("%s%s%s%s%s%s", encoding != NULL ? "content_encoding is " : "",
                           encoding != NULL ? encoding : "", encoding != NULL ? ": " : "",
                           what != NULL ? what : "", what != NULL ? ": " : "", why);
}
