/* Receiving the ends of orders. Arrays of n in, n outcomes out.
 * Errors: UNAVAILABLE or FAILED, as the ports'. Thread: the lane that owns the ports. */
#pragma once

#include "notification/application/ports.h"

/** Notes one pending notification for each event. */
CH_MUST_CHECK bool notification_receive(NotificationStore *store,
                                        const NotificationEvent *const *events, size_t n,
                                        GError **error);

/** Why noting events[0..n) now would have no effect: blockers[i] is new text, or NULL when
 * notification_receive() would make a notification. Changes nothing. */
CH_MUST_CHECK bool notification_receive_replay_blockers(NotificationStore *store,
                                                        const NotificationEvent *const *events,
                                                        size_t n, char **blockers, GError **error);
