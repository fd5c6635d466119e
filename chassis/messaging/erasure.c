/* One statement a part. */
#include "chassis/messaging/erasure.h"

#include "chassis/audit/audit.h"

#define LETTERS_OF_PERSON                                                                          \
    "select id from dead_letters where id in"                                                      \
    " (select id from dead_letters where person = $1"                                              \
    "  union select letter_id from letter_edits where person = $1)"                                \
    " order by id limit $2 for update"

/* $1 the person, $2 how many. A statement sees what had been committed when it began: one that
 * waited for an edit would empty the letter alone. */
static const ChPgStatement sql_lock_dead_letters = {
    LETTERS_OF_PERSON,
    { CH_PG_UUID, CH_PG_INT },
};

/* $1 the person, $2 how many. Without its body a letter names nobody any more, so it is not found
 * again. Size and hash stay: by them a second delivery is known. The audit log repeats why an
 * operator acted, a job says why it refused. A fingerprint that others have too says nothing of the
 * person; one of their letters alone may. */
static const ChPgStatement sql_erase_dead_letters = {
    "with held as (" LETTERS_OF_PERSON "),"
    " edited as (update letter_edits e set body = '' from held where e.letter_id = held.id),"
    " audit as (update audit_log a set " CH_AUDIT_ERASED " from held"
    "  where a.object_id = held.id and a.salt is not null),"
    " refused as (update replay_refusals r set why = 'erased' from held"
    "  where r.letter_id = held.id),"
    " tried as (update replay_trials t set why = 'erased' from held"
    "  where t.letter_id = held.id and t.why is not null),"
    " emptied as (update failure_groups g set fingerprint = 'erased'"
    "  where g.id in (select l.group_id from dead_letters l join held on held.id = l.id)"
    "  and not exists (select from dead_letters l where l.group_id = g.id and l.reason <> 'erased'"
    "   and l.id not in (select id from held)))"
    " update dead_letters d set body = '', reason = 'erased',"
    " acted_why = case when acted_why is not null then 'erased' end,"
    " body_bytes = coalesce(body_bytes, octet_length(body)),"
    " body_sha256 = coalesce(body_sha256, sha256(body)) from held where d.id = held.id",
    { CH_PG_UUID, CH_PG_INT },
};

/* The same, of messages that no consumer could handle and that then could not be published. */
static const ChPgStatement sql_erase_parked_failures = {
    "update outbox_parked set body = '', error = 'erased'"
    " where id = any(array(select id from outbox_parked where person = $1"
    "  and failed_queue is not null order by id limit $2 for update))",
    { CH_PG_UUID, CH_PG_INT },
};

static const ChErasurePart common[] = {
    { "deadLetters", &sql_erase_dead_letters },
    { "parkedFailures", &sql_erase_parked_failures },
};

struct ChErasure {
    ChPg *pg;
    const ChErasurePart *own;
    size_t own_n;
};

ChErasure *ch_erasure_new(ChPg *pg, const ChErasurePart *parts, size_t n)
{
    g_assert(n + G_N_ELEMENTS(common) <= CH_ERASURE_MAX_PARTS);
    ChErasure *erasure = g_new0(ChErasure, 1);
    erasure->pg = pg;
    erasure->own = parts;
    erasure->own_n = n;
    return erasure;
}

void ch_erasure_free(ChErasure *erasure)
{
    g_free(erasure);
}

static const ChErasurePart *part_at(const ChErasure *erasure, size_t place)
{
    return place < erasure->own_n ? &erasure->own[place] : &common[place - erasure->own_n];
}

static ChPgParams *params_of(const ChPgStatement *sql, ChUuid person, int64_t max)
{
    ChPgParams *params = ch_pg_params_new(sql);
    ch_pg_add_uuid(params, 0, person);
    ch_pg_add_int(params, 1, max);
    return params;
}

static bool run_part(ChErasure *erasure, const ChErasurePart *part, ChUuid person, int64_t max,
                     int64_t *affected, GError **error)
{
    if (part->sql == &sql_erase_dead_letters &&
        !ch_pg_send(erasure->pg, params_of(&sql_lock_dead_letters, person, max), NULL, error))
        return false;
    g_autoptr(ChPgRows) rows = ch_pg_query(erasure->pg, params_of(part->sql, person, max), error);
    if (rows == NULL)
        return false;
    *affected = (int64_t)ch_pg_rows_affected(rows);
    return true;
}

bool ch_erasure_run(ChErasure *erasure, ChUuid person, int64_t max, ChErased *erased,
                    GError **error)
{
    ChErased sum = { .parts = erasure->own_n + G_N_ELEMENTS(common), .done = true };
    for (size_t i = 0; i < sum.parts; i++) {
        const ChErasurePart *part = part_at(erasure, i);
        if (!run_part(erasure, part, person, max, &sum.rows[i], error))
            return false;
        sum.names[i] = part->what;
        sum.done &= sum.rows[i] < max;
    }
    *erased = sum;
    return true;
}
