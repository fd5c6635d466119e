/* Deciding about a letter, and acting on it. */
#include "chassis/messaging/dead_letter_admin.h"

#include "chassis/core/log.h"
#include "chassis/core/span.h"
#include "chassis/core/time.h"
#include "chassis/messaging/failure_filing.h"
#include "chassis/messaging/inbox.h"
#include "chassis/messaging/outbox.h"
#include "chassis/telemetry/metrics.h"

#include <string.h>

CH_COUNTER(acts_total, "cartwheel_dead_letter_acts_total",
           "dead letters replayed or discarded by operators, and actions refused", "act");

/* ---- deciding ---- */

const ChSubscriptionConfig *ch_dead_letter_consumer(const ChDeadLetterAdmin *admin,
                                                    const char *queue)
{
    for (size_t i = 0; i < admin->consumers_n; i++) {
        if (strcmp(admin->consumers[i].queue->name, queue) == 0)
            return &admin->consumers[i];
    }
    return NULL;
}

/* What was done about the letter stays done. NULL when it waits. */
static char *blocker_of_state(const ChDeadLetter *letter)
{
    if (letter->state == CH_DEAD_LETTER_WAITING)
        return NULL;
    char at[CH_TIME_TEXT_BYTES];
    ch_time_format(letter->acted_us, at);
    return g_strdup_printf("it was %s by %s at %s: %s", ch_dead_letter_state_name(letter->state),
                           letter->acted_by, at, letter->acted_why);
}

static char *blocker_of_age(const ChDeadLetter *letter, int64_t oldest_us)
{
    if (letter->died_us >= oldest_us)
        return NULL;
    char died[CH_TIME_TEXT_BYTES];
    ch_time_format(letter->died_us, died);
    return g_strdup_printf("it died at %s, longer ago than INBOX_RETENTION: nobody knows any more"
                           " whether it took effect",
                           died);
}

char *ch_dead_letter_read(const ChDeadLetter *letter, const ChSubscriptionConfig *consumer,
                          int64_t oldest_us, ChEvent **event, ChCommand *command)
{
    char *blocker = blocker_of_state(letter);
    if (blocker != NULL)
        return blocker;
    if (consumer == NULL)
        return g_strdup_printf("this service does not consume %s", letter->queue);
    blocker = blocker_of_age(letter, oldest_us);
    if (blocker != NULL)
        return blocker;
    if (letter->body_bytes > CH_EVENT_MAX_BYTES)
        return g_strdup_printf("it would die again: the body has %" G_GINT64_FORMAT
                               " bytes, more than %d",
                               letter->body_bytes, CH_EVENT_MAX_BYTES);
    if ((int64_t)letter->body_read < letter->body_bytes)
        return g_strdup_printf("its body is not kept: %s", letter->reason);
    g_autoptr(GError) why = NULL;
    g_autoptr(ChEvent) read =
        ch_event_parse(letter->body, letter->body_read, letter->traceparent, &why);
    if (read == NULL)
        return g_strdup_printf("it would die again: %s", why->message);
    g_autofree char *fault = NULL;
    *command = ch_subscription_decode(consumer, read, &fault);
    if (command->value == NULL)
        return g_strdup_printf("it would die again: %s", fault);
    *event = g_steal_pointer(&read);
    return NULL;
}

/* What the inbox and the service's own data say of a readable letter. */
static bool ask_the_database(const ChDeadLetterAdmin *admin, const ChSubscriptionConfig *consumer,
                             const ChEvent *event, ChCommand command, char **blocker,
                             GError **error)
{
    bool known = false;
    *blocker = NULL;
    if (!ch_inbox_knows(admin->pg, consumer->queue->name, &event->told_as, 1, &known, error))
        return false;
    if (known) {
        char id[CH_UUID_TEXT_BYTES];
        ch_uuid_format(event->id, id);
        *blocker =
            g_strdup_printf("it took effect: %s has handled event %s", consumer->queue->name, id);
        return true;
    }
    return consumer->replay_blockers == NULL ||
           consumer->replay_blockers(consumer->context, &command, 1, blocker, error);
}

bool ch_dead_letter_replay_blocker(const ChDeadLetterAdmin *admin, const ChDeadLetter *letter,
                                   char **blocker, GError **error)
{
    const ChSubscriptionConfig *consumer = ch_dead_letter_consumer(admin, letter->queue);
    int64_t oldest_us = ch_time_now_us() - admin->inbox_retention_ms * 1000;
    g_autoptr(ChEvent) event = NULL;
    ChCommand command = { NULL, NULL };
    char *found = ch_dead_letter_read(letter, consumer, oldest_us, &event, &command);
    bool ok = found != NULL || ask_the_database(admin, consumer, event, command, &found, error);
    ch_command_free(command);
    if (ok)
        *blocker = found;
    return ok;
}

/* ---- acting ---- */

/* The span of replaying @letter, a step of the operator's request. The trace that died with the
 * letter is over, maybe for days: the two point to each other, no more. */
static ChTrace tell_replay(const ChDeadLetter *letter, const ChDeadLetterAction *action)
{
    ChTrace dead = { .flags = 0 };
    ChTrace trace = ch_trace_child(action->trace);
    ch_trace_parse(letter->traceparent, &dead);
    ChSpan *span =
        ch_span_begin(trace, CH_SPAN_INTERNAL, ch_time_now_us(), "replay", letter->queue);
    ch_span_text(span, "messaging.message.id", letter->message_id);
    ch_span_link(span, dead);
    ch_span_end(span);
    return trace;
}

/* Through the default exchange: no other consumer of the event sees it. Without a retry count it
 * has all its attempts again. */
static bool send(const ChDeadLetterAdmin *admin, const ChDeadLetter *letter,
                 const ChDeadLetterAction *action, GError **error)
{
    char traceparent[CH_TRACEPARENT_BYTES];
    ch_trace_format(tell_replay(letter, action), traceparent);
    const ChOutboxMessage message = {
        .message_id = letter->message_id,
        .exchange = "",
        .routing_key = letter->queue,
        .type = letter->message_type,
        .body = letter->body,
        .body_bytes = letter->body_read,
        .traceparent = traceparent,
        .mandatory = true,
    };
    return ch_outbox_add(admin->pg, &message, 1, error);
}

static void log_refusal(const ChDeadLetter *letter, const ChDeadLetterAction *action,
                        const char *why)
{
    if (action->dry_run)
        return;
    ch_log_warning("dead letter action refused", CH_ID("dead_letter_id", letter->id),
                   CH_STR("queue", letter->queue), CH_STR("message_id", letter->message_id),
                   CH_STR("by", action->by), CH_STR("blocker", why), CH_TRACE(action->trace));
    ch_metric_add(ch_metric(&acts_total, "refused"), 1);
}

static bool note(const ChDeadLetterAdmin *admin, const ChDeadLetter *letter,
                 const ChDeadLetterAction *action, GError **error)
{
    const ChDeadLetterNote noted = { letter->id,  action->act, action->by,
                                     action->why, action->as,  action->job };
    if (!ch_dead_letter_note(admin->pg, &noted, error) ||
        !ch_failure_note_act(admin->pg, letter->id, action->act == CH_DEAD_LETTER_REPLAYED, error))
        return false;
    const char *act = ch_dead_letter_state_name(action->act);
    ch_log_info("dead letter acted upon", CH_ID("dead_letter_id", letter->id), CH_STR("act", act),
                CH_STR("queue", letter->queue), CH_STR("message_id", letter->message_id),
                CH_STR("by", action->by), CH_STR("why", action->why), CH_TRACE(action->trace));
    ch_metric_add(ch_metric(&acts_total, act), 1);
    return true;
}

bool ch_dead_letter_send(const ChDeadLetterAdmin *admin, const ChDeadLetter *letter,
                         const ChDeadLetterAction *action, GError **error)
{
    return send(admin, letter, action, error) && note(admin, letter, action, error);
}

/* Why @letter may not be acted upon as asked; NULL when it may. */
static bool blocker_of(const ChDeadLetterAdmin *admin, const ChDeadLetter *letter,
                       const ChDeadLetterAction *action, char **blocker, GError **error)
{
    if (action->act == CH_DEAD_LETTER_REPLAYED)
        return ch_dead_letter_replay_blocker(admin, letter, blocker, error);
    *blocker = blocker_of_state(letter);
    return true;
}

bool ch_dead_letter_act(const ChDeadLetterAdmin *admin, const ChDeadLetterAction *action,
                        ChDeadLetterOutcome *outcome, GError **error)
{
    g_assert(action->act != CH_DEAD_LETTER_WAITING);
    g_autoptr(ChDeadLetter) letter = NULL;
    char *blocker = NULL;
    if (!ch_dead_letter_find(admin->pg, action->id, !action->dry_run, &letter, error))
        return false;
    if (letter == NULL) {
        *outcome = (ChDeadLetterOutcome){ CH_DEAD_LETTER_UNKNOWN, NULL };
        return true;
    }
    if (!blocker_of(admin, letter, action, &blocker, error))
        return false;
    if (blocker != NULL) {
        log_refusal(letter, action, blocker);
        *outcome = (ChDeadLetterOutcome){ CH_DEAD_LETTER_REFUSED, blocker };
        return true;
    }
    *outcome = (ChDeadLetterOutcome){ CH_DEAD_LETTER_DONE, NULL };
    if (action->dry_run)
        return true;
    if (action->act == CH_DEAD_LETTER_REPLAYED)
        return ch_dead_letter_send(admin, letter, action, error);
    return note(admin, letter, action, error);
}
