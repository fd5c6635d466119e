/* Changes of templates and subscriptions, for the record. */
#pragma once

#include "chassis/http/request.h"
#include "notification/application/subscriptions.h"

/** Notes that the template @id went from its version @was (0: it was not there) to @template (NULL:
 * it is no more). What its versions were, their own list says. */
void notification_api_note_template(ChHttpRequest *request, ChUuid id, int64_t was,
                                    const NotificationTemplate *template);

/** Notes that a subscription went from @before to @after, one of which may be NULL. */
void notification_api_note_subscription(ChHttpRequest *request,
                                        const NotificationSubscription *before,
                                        const NotificationSubscription *after);
