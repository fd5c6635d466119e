/* One letter, tried and rolled back. */
#include "chassis/messaging/replay_trial.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/postgres/connection.h"

enum {
    TRIES = 3, /* while others hold what it needs */
};

/* A lock that others hold is not waited for longer than they would notice, and PostgreSQL looks for
 * deadlocks after a second: so a trial is never what a deadlock ends others for. */
static const ChPgStatement sql_limit_trial = {
    "select set_config('lock_timeout', '100ms', true),"
    " set_config('statement_timeout', '1s', true)",
    { CH_PG_NONE },
};

static const char *const verdict_names[] = {
    [CH_TRIAL_WORKS] = "works",
    [CH_TRIAL_FAILS] = "fails",
    [CH_TRIAL_REFUSED] = "refused",
    [CH_TRIAL_UNTRIED] = "untried",
};
G_STATIC_ASSERT(G_N_ELEMENTS(verdict_names) == CH_TRIAL_VERDICTS_N);

const char *ch_trial_verdict_name(ChTrialVerdict verdict)
{
    return verdict_names[verdict];
}

/* Runs the handler on a letter that no guard refuses. */
static bool handle(const ChDeadLetterAdmin *admin, const ChDeadLetter *letter, ChTrial *trial,
                   GError **error)
{
    const ChSubscriptionConfig *consumer = ch_dead_letter_consumer(admin, letter->queue);
    g_autoptr(ChEvent) event = NULL;
    g_autoptr(GError) why = NULL;
    ChCommand command = { NULL, NULL };
    g_autofree char *unreadable = ch_dead_letter_read(letter, consumer, 0, &event, &command);
    g_assert(unreadable == NULL); /* it was asked before */
    bool works =
        consumer->handle(consumer->context, &command, 1, &why) && ch_pg_wait(admin->pg, &why);
    ch_command_free(command);
    if (works) {
        *trial = (ChTrial){ CH_TRIAL_WORKS, NULL };
        return true;
    }
    if (ch_error_is_unavailable(why)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return false;
    }
    *trial = (ChTrial){ CH_TRIAL_FAILS, g_strdup(why->message) };
    return true;
}

/* In a transaction that is open. */
static bool try_letter(const ChDeadLetterAdmin *admin, ChUuid id, ChTrial *trial, GError **error)
{
    g_autoptr(ChDeadLetter) letter = NULL;
    char *blocker = NULL;
    if (!ch_pg_send(admin->pg, ch_pg_params_new(&sql_limit_trial), NULL, error) ||
        !ch_dead_letter_find(admin->pg, id, false, &letter, error))
        return false;
    if (letter == NULL) {
        *trial = (ChTrial){ CH_TRIAL_UNTRIED, g_strdup("it is not there any more") };
        return true;
    }
    if (!ch_dead_letter_replay_blocker(admin, letter, &blocker, error))
        return false;
    if (blocker == NULL)
        return handle(admin, letter, trial, error);
    *trial = (ChTrial){ CH_TRIAL_REFUSED, blocker };
    return true;
}

/* What the handler has to say of it did not happen. */
static bool try_once(const ChDeadLetterAdmin *admin, ChUuid id, ChTrial *trial, GError **error)
{
    if (!ch_pg_connect(admin->pg, error))
        return false;
    ch_pg_begin(admin->pg);
    bool ok = try_letter(admin, id, trial, error);
    ch_pg_rollback(admin->pg);
    ch_log_drop();
    ch_log_hold();
    return ok;
}

bool ch_trial_run(const ChDeadLetterAdmin *admin, ChUuid id, ChTrial *trial, GError **error)
{
    g_autoptr(GError) why = NULL;
    for (int i = 0; i < TRIES; i++) {
        g_clear_error(&why);
        if (try_once(admin, id, trial, &why))
            return true;
    }
    if (!ch_pg_connect(admin->pg, error))
        return false;
    *trial = (ChTrial){ CH_TRIAL_UNTRIED, g_strdup(why->message) };
    return true;
}
