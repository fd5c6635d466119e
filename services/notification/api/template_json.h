/* Templates in JSON. */
#pragma once

#include "chassis/http/request.h"
#include "notification/application/notifications.h"

void notification_api_write_template(GString *json, const NotificationTemplate *template);

/** Answers with @template alone. */
void notification_api_respond_template(ChHttpRequest *request, unsigned status,
                                       const NotificationTemplate *template);

/** Answers 404. */
void notification_api_respond_no_template(ChHttpRequest *request);

/** The template in the body of @request, checked, with @id and version 1; NULL when it was answered
 * with its violations. Free with notification_template_free(). */
NotificationTemplate *notification_api_read_template(ChHttpRequest *request, ChUuid id);

/** The `data` of a preview in the body of @request, for a template of @code: false when it was
 * answered with its violations. Free *values with notification_values_clear(). */
bool notification_api_read_preview(ChHttpRequest *request, NotificationCode code,
                                   NotificationValues *values);
