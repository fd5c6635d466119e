/* The language of templates: {Name} is a placeholder, {{ and }} are literal braces.
 * A text is read once from left to right; what is put in is never read again. */
#pragma once

#include "chassis/core/violations.h"
#include "notification/application/notifications.h"

enum {
    NOTIFICATION_MAX_SUBJECT_CHARS = 200,
    NOTIFICATION_MAX_BODY_CHARS = 10000,
    NOTIFICATION_MAX_RENDERED_BYTES = 128 * 1024, /* {Reason} may stand there a thousand times */
};

/** Adds a violation at @path for every fault of @text, valid UTF-8: "line 1, column 7: why", both
 * counted from 1, in characters. Placeholders must be those of @code; with NOTIFICATION_CODES_N
 * any name will do. */
void notification_text_check(const char *text, NotificationCode code, const char *path,
                             ChViolations *violations);

/** Sets missing[i] for each placeholder i of @code that stands in @text and has no value. @text is
 * checked. */
void notification_text_missing(const char *text, NotificationCode code,
                               const NotificationValues *values,
                               bool missing[NOTIFICATION_MAX_PLACEHOLDERS]);

/** @text with @values put in; a placeholder whose value is not known stays as it is.
 * Free with g_free(). Errors: FAILED (a fault of @text with its place, or the result is longer than
 * NOTIFICATION_MAX_RENDERED_BYTES). */
CH_MUST_CHECK char *notification_text_render(const char *text, NotificationCode code,
                                             const NotificationValues *values, GError **error);
