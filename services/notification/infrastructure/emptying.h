/* What of a notification goes when it is emptied, on request or because it is old. */
#pragma once

/** The assignments of an update of `notifications`. The facts stay: which order, which event, when,
 * by which channel, with what result. What is not sent yet never will be. */
#define NOTIFICATION_EMPTIED                                                                       \
    "destination = null, subject = null, body = null,"                                             \
    " parameters = parameters - 'Reason' - 'CustomerName',"                                        \
    " error = case when status in (1, 2) then 'erased before it was sent'"                         \
    "  when error is not null then 'erased' end,"                                                  \
    " status = case when status in (1, 2) then 4 else status end,"                                 \
    " emptied_at = now(), updated_at = now()"
