/* Delivering what is due. Arrays of n in, n outcomes out.
 * Errors: UNAVAILABLE or FAILED, as the ports'. Thread: the lane that owns the ports. */
#pragma once

#include "chassis/core/control.h"
#include "notification/application/ports.h"
#include "notification/application/retries.h"

/** Where notifications go. Borrowed. */
typedef struct {
    NotificationCustomers *customers;
    NotificationChannel *channels[NOTIFICATION_CHANNELS_N]; /* [0] is NULL */
    const ChControl *controls[NOTIFICATION_CHANNELS_N];     /* of the channels, and [0] is NULL */
    bool may_make_up;                                       /* e-mail may go to made-up addresses */
    int64_t customer_wait_ms; /* age to which a notification waits for its customer's address */
} NotificationGateways;

/** Takes at most @max due notifications for @lease_ms, into which sending and recording them has to
 * fit, and the templates they may need; deliveries[0..*n) are new. */
CH_MUST_CHECK bool notification_claim(NotificationStore *store,
                                      NotificationTemplateReads *templates, size_t max,
                                      int64_t lease_ms, NotificationDelivery **deliveries,
                                      size_t *n, GError **error);

/** Whether any channel works that is not paused: else there is nothing to claim for. */
bool notification_may_send(const NotificationGateways *gateways);

/** Decides each that is undecided, and gives back what goes through a paused channel: asks for its
 * customer, fills in its template, sends it. Touches no store, so no transaction has to be open
 * meanwhile. */
void notification_send(const NotificationGateways *gateways,
                       NotificationDelivery *const *deliveries, size_t n);

/** Tells the log what became of them; call when that is recorded. */
void notification_log_results(NotificationDelivery *const *deliveries, size_t n);
