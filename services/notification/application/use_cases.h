/* What the notification service does. Arrays of n in, n outcomes out.
 * Errors of all: UNAVAILABLE or FAILED, as the ports'. Thread: the lane that owns the ports. */
#pragma once

#include "chassis/core/violations.h"
#include "notification/application/ports.h"

/* ---- receiving ---- */

/** Notes one pending notification for each event. */
CH_MUST_CHECK bool notification_receive(NotificationStore *store,
                                        const NotificationEvent *const *events, size_t n,
                                        GError **error);

/** Why noting events[0..n) now would have no effect: blockers[i] is new text, or NULL when
 * notification_receive() would make a notification. Changes nothing. */
CH_MUST_CHECK bool notification_receive_replay_blockers(NotificationStore *store,
                                                        const NotificationEvent *const *events,
                                                        size_t n, char **blockers, GError **error);

/* ---- delivering ---- */

enum {
    NOTIFICATION_MAX_ATTEMPTS = 5
};

/** Where notifications go. Borrowed. */
typedef struct {
    NotificationCustomers *customers;
    NotificationChannel *channels[NOTIFICATION_CHANNELS_N]; /* [0] is NULL */
} NotificationOutlets;

/** Takes at most @max due notifications for @lease_ms, into which sending and recording them has to
 * fit, and the templates they may need; deliveries[0..*n) are new. */
CH_MUST_CHECK bool notification_claim(NotificationStore *store,
                                      NotificationTemplateStore *templates, size_t max,
                                      int64_t lease_ms, NotificationDelivery **deliveries,
                                      size_t *n, GError **error);

/** Decides each that is undecided: asks for its customer, fills in its template, sends it. Touches
 * no store, so no transaction has to be open meanwhile. */
void notification_send(const NotificationOutlets *outlets, NotificationDelivery *const *deliveries,
                       size_t n);

/** Tells the log what became of them; call when that is recorded. */
void notification_log_results(NotificationDelivery *const *deliveries, size_t n);

/* ---- templates ---- */

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
