/* Stars in place of what tells who somebody is. */
#include "notification/application/masking.h"

#include <glib.h>
#include <string.h>

enum {
    SHOWN_OF_NUMBER = 2, /* characters: a customer who asks can name them */
};

static const char *const personal[] = { "CustomerName", "Reason" };

char *notification_mask_destination(const char *destination)
{
    const char *at = strrchr(destination, '@');
    if (at != NULL) {
        const char *after_first = at == destination ? at : g_utf8_next_char(destination);
        return g_strdup_printf("%.*s***%s", (int)(after_first - destination), destination, at);
    }
    glong chars = g_utf8_strlen(destination, -1);
    glong hidden = MAX(chars - SHOWN_OF_NUMBER, MIN(chars, SHOWN_OF_NUMBER));
    return g_strconcat("***", g_utf8_offset_to_pointer(destination, hidden), NULL);
}

char *notification_without_addresses(const char *text)
{
    if (text == NULL)
        return NULL;
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (char **word = words; *word != NULL; word++) {
        if (strchr(*word, '@') == NULL)
            continue;
        g_free(*word);
        *word = g_strdup("***");
    }
    return g_strjoinv(" ", words);
}

static void replace(char **text, char *other)
{
    g_free(*text);
    *text = other;
}

void notification_entry_mask(NotificationEntry *entry)
{
    const char *const *names = notification_code_info(entry->code)->placeholders;
    if (entry->destination != NULL)
        replace(&entry->destination, notification_mask_destination(entry->destination));
    replace(&entry->error, notification_without_addresses(entry->error));
    g_clear_pointer(&entry->subject, g_free);
    g_clear_pointer(&entry->body, g_free);
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(personal); k++) {
            if (strcmp(names[i], personal[k]) == 0)
                g_clear_pointer(&entry->values.text[i], g_free);
        }
    }
}
