/* Templates in JSON. */
#pragma once

#include "chassis/http/request.h"
#include "notification/application/notifications.h"

void notification_api_write_template(GString *json, const NotificationTemplate *template);

/** Answers with @template alone, and its version as ETag. */
void notification_api_respond_template(ChHttpRequest *request, unsigned status,
                                       const NotificationTemplate *template);

/** Answers 404. */
void notification_api_respond_no_template(ChHttpRequest *request);

/** The template in the body of @request, checked, with @id and version 1; NULL when it was answered
 * with its violations. *expected: the `version` in the body, or any; NULL where there is nothing to
 * expect. Free with notification_template_free(). */
NotificationTemplate *notification_api_read_template(ChHttpRequest *request, ChUuid id,
                                                     ChExpected *expected);

/** The `data` of a preview in the body of @request, for a template of @code: false when it was
 * answered with its violations. Free *values with notification_values_clear(). */
bool notification_api_read_preview(ChHttpRequest *request, NotificationCode code,
                                   NotificationValues *values);

/** A template that is not stored, checked, and the `data` for it: NULL when it was answered with
 * its violations. Free both. */
NotificationTemplate *notification_api_read_draft(ChHttpRequest *request,
                                                  NotificationValues *values);

/** Answers with @template filled in, and the names of the values that are missing. */
void notification_api_respond_preview(ChHttpRequest *request, const NotificationTemplate *template,
                                      const NotificationValues *values);
