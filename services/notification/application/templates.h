/* The rules of templates. */
#pragma once

#include "chassis/core/violations.h"
#include "notification/application/notifications.h"

#include <glib.h>

/** Adds what is wrong with @template to @violations. .code may be NOTIFICATION_CODES_N and .channel
 * none, when the caller has said so already; texts may be NULL for the same reason. */
void notification_template_check(const NotificationTemplate *template, ChViolations *violations);

/** Fills in the template. *subject and *body are new. Errors: FAILED, only for a template that was
 * stored without being checked. */
CH_MUST_CHECK bool notification_template_render(const NotificationTemplate *template,
                                                const NotificationValues *values, char **subject,
                                                char **body, GError **error);

/** The template for @code and @channel in @language (may be NULL), in that language without its
 * region, or in English; NULL when there is none. @templates: of NotificationTemplate *. */
const NotificationTemplate *notification_template_choose(const GPtrArray *templates,
                                                         NotificationCode code,
                                                         NotificationChannelKind channel,
                                                         const char *language);
