/* Which notifications may be sent again. */
#include "notification/application/resend.h"

static NotificationResendResult judge(const NotificationSendable *was)
{
    bool is_final = was->status == NOTIFICATION_SENT || was->status == NOTIFICATION_FAILED;
    if (was->is_emptied)
        return NOTIFICATION_RESEND_ERASED;
    if (is_final)
        return NOTIFICATION_RESEND_DONE;
    return was->is_resent ? NOTIFICATION_RESEND_ALREADY : NOTIFICATION_RESEND_UNSENT;
}

bool notification_resend(NotificationResendStore *store, ChUuid id,
                         NotificationResendOutcome *outcome, GError **error)
{
    NotificationSendable was = { .attempts = 0 };
    bool found = false;
    if (!store->ops->lock(store, id, &was, &found, error))
        return false;
    NotificationResendResult result = found ? judge(&was) : NOTIFICATION_RESEND_UNKNOWN;
    if (result == NOTIFICATION_RESEND_DONE &&
        !store->ops->send_again(store, id, ch_uuid_new(), error))
        return false;
    *outcome = (NotificationResendOutcome){ result, was };
    return true;
}
