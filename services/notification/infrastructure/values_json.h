/* The values of placeholders as they are stored: a JSON object of strings. */
#pragma once

#include "notification/application/notifications.h"

/** Free with g_free(). */
char *notification_values_to_json(const NotificationValues *values, NotificationCode code);

/** Sets those that @json has as text. Anything else in it is passed over. */
void notification_values_from_json(const char *json, NotificationCode code,
                                   NotificationValues *values);
