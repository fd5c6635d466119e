/* Filing dead letters: which group of failures a letter belongs to, and what the group's row says
 * of all of them. Here is what the statements that write letters have in common. All work in the
 * open transaction of a connection; errors as ch_pg_query(). */
#pragma once

#include "chassis/core/uuid.h"
#include "chassis/postgres/pipeline.h"

/** How many groups that are not closed a queue has before the next new reason goes into its rest,
 * the group "other"; two workers at the same moment may go beyond that by what each files. */
#define CH_FAILURE_GROUPS_MAX "200"

/** The group of letters of @queue with @type (NULL is fine) and the fingerprint @fingerprint. */
ChUuid ch_failure_group_id(const char *queue, const char *type, const char *fingerprint);

/** The group of what has no place of its own. */
ChUuid ch_failure_other_id(const char *queue);

/** Parts of one statement. @rows has group_id and fingerprint; `placed` has the same and
 * `put`, the group that takes them: their own while there is room, @other when there is not. */
#define CH_FAILURE_PLACED(rows, queue_text, other)                                                 \
    " room as (select count(*) as taken from failure_groups"                                       \
    "  where queue = " queue_text " and state <> 'closed'),"                                       \
    " placed as materialized (select " rows ".*, case"                                             \
    "   when room.taken + dense_rank() over (order by " rows                                       \
    ".group_id) <= " CH_FAILURE_GROUPS_MAX                                                         \
    "   or exists (select from failure_groups known where known.id = " rows ".group_id)"           \
    "  then " rows ".group_id else " other " end as put from " rows " cross join room),"

/** What is left now of one at @since: half of it a minute; of what is 100 minutes old next to
 * nothing, and not less, so that no product is too small for a number. */
#define CH_FAILURE_FADED(since)                                                                    \
    "power(0.5::double precision,"                                                                 \
    " least(greatest(extract(epoch from now() - " since ")::double precision / 60, 0), 100))"

/** The end of the statement. `filed` has the letters that were not filed before: id, group_id,
 * queue, message_type, died_at, act; @build is the number of the build that failed, or null. In the
 * order of the ids, so that two writers cannot wait for each other. Of builds and samples the
 * newest stay. A closed group that fails is open again, and has regressed where the build came
 * after all that failed so before. What others have acted upon opens nothing. */
/* clang-format off */
#define CH_FAILURE_COUNTED(other, build)                                                           \
    " insert into failure_groups as known (id, queue, message_type, fingerprint, state,"           \
    "  first_seen, last_seen, letters, waiting, samples, builds, pulse, pulse_at)"                 \
    " select filed.group_id, min(filed.queue),"                                                    \
    "  case when filed.group_id <> " other " then min(filed.message_type) end,"                    \
    "  (select case when filed.group_id = " other " then 'other' else min(fingerprint) end"        \
    "   from placed where put = filed.group_id),"                                                  \
    "  case when count(*) filter (where filed.act is null) > 0 then 'open' else 'closed' end,"     \
    "  min(filed.died_at), max(filed.died_at), count(*),"                                          \
    "  count(*) filter (where filed.act is null),"                                                 \
    "  (array_agg(filed.id order by filed.died_at desc, filed.id desc))[1:5],"                     \
    "  array_remove(array[" build "], null), sum(" CH_FAILURE_FADED("filed.died_at") "), now()"    \
    " from filed group by filed.group_id order by filed.group_id"                                  \
    " on conflict (id) do update set"                                                              \
    "  state = case when excluded.waiting = 0 then known.state"                                    \
    "   when known.state = 'closed' and excluded.builds[1] > all (known.builds) then 'regressed'"  \
    "   when known.state = 'regressed' then 'regressed' else 'open' end,"                          \
    "  fingerprint = case when known.fingerprint = 'erased' then excluded.fingerprint"             \
    "   else known.fingerprint end,"                                                               \
    "  first_seen = least(known.first_seen, excluded.first_seen),"                                 \
    "  last_seen = greatest(known.last_seen, excluded.last_seen),"                                 \
    "  letters = known.letters + excluded.letters,"                                                \
    "  waiting = known.waiting + excluded.waiting,"                                                \
    "  samples = (excluded.samples || known.samples)[1:5],"                                        \
    "  pulse = known.pulse * " CH_FAILURE_FADED("known.pulse_at") " + excluded.pulse,"             \
    "  pulse_at = excluded.pulse_at,"                                                              \
    "  builds = case when known.builds @> excluded.builds then known.builds"                       \
    "   else (known.builds || excluded.builds)"                                                    \
    "    [greatest(1, cardinality(known.builds) - 8):cardinality(known.builds) + 1] end"
/* clang-format on */

/** Notes that this build was seen, and files up to a batch of letters that are not filed yet, of
 * one queue; *more: there may be others. Their build is not known. */
CH_MUST_CHECK bool ch_failure_file_old(ChPg *pg, bool *more, GError **error);

/** The group of the letter @id has one less that waits: it was just acted upon. @replayed: it was
 * replayed, else it was discarded. */
CH_MUST_CHECK bool ch_failure_note_act(ChPg *pg, ChUuid id, bool replayed, GError **error);
