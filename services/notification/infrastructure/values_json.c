/* By the names of the code's placeholders. */
#include "notification/infrastructure/values_json.h"

#include "chassis/json/json.h"
#include "chassis/json/json_writer.h"

#include <string.h>

char *notification_values_to_json(const NotificationValues *values, NotificationCode code)
{
    const char *const *names = notification_code_info(code)->placeholders;
    GString *json = g_string_new(NULL);
    ch_json_begin_object(json, NULL);
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        if (values->text[i] != NULL)
            ch_json_add_text(json, names[i], values->text[i]);
    }
    ch_json_end_object(json);
    return g_string_free(json, FALSE);
}

void notification_values_from_json(const char *json, NotificationCode code,
                                   NotificationValues *values)
{
    g_autoptr(ChJson) document = ch_json_parse(json, strlen(json), NULL);
    if (document == NULL)
        return;
    const char *const *names = notification_code_info(code)->placeholders;
    for (size_t i = 0; i < NOTIFICATION_MAX_PLACEHOLDERS && names[i] != NULL; i++) {
        const char *text = ch_json_text(ch_json_member(ch_json_root(document), names[i]), NULL);
        if (text != NULL)
            notification_values_set(values, code, names[i], text);
    }
}
