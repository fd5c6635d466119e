/* What a row of the table dead_letters is made of. */
#include "chassis/messaging/dead_letter_insert.h"

#include "chassis/core/build.h"
#include "chassis/messaging/event.h"
#include "chassis/messaging/failure_filing.h"
#include "chassis/messaging/fingerprint.h"
#include "chassis/rabbitmq/queue.h"

#include <string.h>

enum {
    SHA256_BYTES = 32,
};

/* One array a column, an element a dead letter; $12 the id that it gets when $1 is taken. $13 its
 * group and $15 its fingerprint, $14 the queue's rest, $16 our build (chassis/core/build.h). */
/* What a job replayed and is here again tells of the job. */
#define RETURNED                                                                                   \
    "(select old.replay_job from dead_letters old where old.message_id = placed.message_id"        \
    "  and old.queue = placed.queue and old.replay_job is not null"                                \
    "  order by old.acted_at desc limit 1)"
/* clang-format off */
static const ChPgStatement sql_insert_dead_letters = {
    "with letter as ("
    "  select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15)"
    "    as given (id, queue, message_id, message_type, body, reason, attempts, traceparent,"
    "              body_bytes, body_sha256, subject, other_id, group_id, fingerprint)),"
    " build as ("
    "  insert into builds (version, build_id)"
    "  select split_part($16, ' ', 1), split_part($16, ' ', 2)"
    "  where not exists (select from builds where build_id = split_part($16, ' ', 2))"
    "  on conflict (build_id) do nothing returning number),"
    CH_FAILURE_PLACED("letter", "($2)[1]", "$14")
    " filed as ("
    "  insert into dead_letters (id, queue, message_id, message_type, body, reason, attempts,"
    "    traceparent, body_bytes, body_sha256, subject, group_id, returned_job)"
    "  select case when exists ("
    "      select from dead_letters as old where old.id = placed.id"
    "      and (old.queue, coalesce(old.body_sha256, sha256(old.body)))"
    "        is distinct from (placed.queue, placed.body_sha256)) then other_id else id end,"
    "    queue, message_id, message_type, body, reason, attempts, traceparent, body_bytes,"
    "    body_sha256, nullif(subject, '00000000-0000-0000-0000-000000000000'), put, " RETURNED
    "  from placed"
    "  on conflict (id) do nothing"
    "  returning id, group_id, queue, message_type, died_at, act)"
    CH_FAILURE_COUNTED("$14",
        "coalesce((select number from build),"
        " (select number from builds where build_id = split_part($16, ' ', 2)))"),
    { CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_BYTES, CH_PG_TEXTS, CH_PG_INTS,
      CH_PG_TEXTS, CH_PG_INTS, CH_PG_BYTES, CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_UUIDS, CH_PG_UUID,
      CH_PG_TEXTS, CH_PG_TEXT },
};
/* clang-format on */
enum {
    INSERT_ID,
    INSERT_QUEUE,
    INSERT_MESSAGE_ID,
    INSERT_TYPE,
    INSERT_BODY,
    INSERT_REASON,
    INSERT_ATTEMPTS,
    INSERT_TRACEPARENT,
    INSERT_BODY_BYTES,
    INSERT_BODY_SHA256,
    INSERT_SUBJECT,
    INSERT_OTHER_ID,
    INSERT_GROUP_ID,
    INSERT_OTHER_GROUP_ID,
    INSERT_FINGERPRINT,
    INSERT_BUILD,
};

/* What is worked out of a message. */
typedef struct {
    ChUuid id;
    uint8_t sha256[SHA256_BYTES];
    ChUuid subject;   /* nil: none */
    char *message_id; /* owned; NULL: none */
} Facts;

/* ---- what a letter is ---- */

/* What cannot be read and has to stay where it is comes again and again: all of one queue are one
 * row. */
static ChUuid id_of_queue(const char *queue)
{
    static const ChUuid unreadable_letters = { { 0x8e, 0x1f, 0x0c, 0x52, 0x6b, 0x3d, 0x4a, 0x97,
                                                 0x9a, 0x40, 0x5d, 0x2e, 0x71, 0xc8, 0xb3, 0x06 } };
    return ch_uuid_derive(unreadable_letters, queue, strlen(queue));
}

/* Ours carry an id, so that a second delivery is the same row. The broker's own do not. */
static ChUuid id_of(const ChDeadLetterOrigin *origin, const ChDelivery *delivery)
{
    ChUuid id;
    if (delivery->unreadable && !origin->keeps_rejected)
        return id_of_queue(origin->queue);
    if (delivery->dead_letter_id != NULL &&
        ch_uuid_parse(delivery->dead_letter_id, strlen(delivery->dead_letter_id), &id) &&
        !ch_uuid_is_nil(id))
        return id;
    return ch_uuid_new();
}

static void hash(const ChDelivery *delivery, uint8_t sha256[SHA256_BYTES])
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize bytes = SHA256_BYTES;
    if (delivery->body_bytes > 0)
        g_checksum_update(sum, delivery->body, (gssize)delivery->body_bytes);
    g_checksum_get_digest(sum, sha256, &bytes);
}

/* What the event in the body says of itself, if it is one. */
static void read_event(const ChDeadLetterOrigin *origin, const ChDelivery *delivery, Facts *facts)
{
    if (delivery->body_bytes == 0 || delivery->body_bytes > CH_EVENT_MAX_BYTES)
        return;
    g_autoptr(ChEvent) event =
        ch_event_parse(delivery->body, delivery->body_bytes, delivery->traceparent, NULL);
    if (event == NULL)
        return;
    if (facts->message_id == NULL) {
        facts->message_id = g_malloc(CH_UUID_TEXT_BYTES);
        ch_uuid_format(event->id, facts->message_id);
    }
    size_t n = 0;
    const char *subject = origin->subject == NULL
                              ? NULL
                              : ch_json_text(ch_json_member(event->data, origin->subject), &n);
    ChUuid id;
    if (subject != NULL && ch_uuid_parse(subject, n, &id))
        facts->subject = id;
}

static void find_facts(const ChDeadLetterOrigin *origin, const ChDelivery *delivery, Facts *facts)
{
    *facts = (Facts){ .id = id_of(origin, delivery), .message_id = g_strdup(delivery->message_id) };
    hash(delivery, facts->sha256);
    read_event(origin, delivery, facts);
}

/* ---- why it died ---- */

/* Where a letter that cannot be read lies, with its body. Free with g_free(). */
static char *unreadable_reason(const ChDeadLetterOrigin *origin)
{
    char name[CH_QUEUE_NAME_BYTES];
    if (origin->keeps_rejected)
        ch_queue_unread_name(origin->queue, name);
    else
        ch_queue_dead_letter_name(origin->queue, name);
    return g_strdup_printf("the AMQP library cannot read its properties, so it has no body here: it"
                           " lies in queue %s%s",
                           name,
                           origin->keeps_rejected ? "" : ", as does every other one of this kind");
}

/* Why the broker dead-lettered what our consumer rejected; of its earlier attempts speaks the error
 * that it still carries. Free with g_free(). */
static char *broker_reason(const ChDelivery *delivery)
{
    if (delivery->body_bytes > CH_EVENT_MAX_BYTES)
        return g_strdup_printf("the body has %zu bytes, more than %d", delivery->body_bytes,
                               CH_EVENT_MAX_BYTES);
    return g_strdup_printf("given up unread: %s%s%s",
                           delivery->death_reason != NULL ? delivery->death_reason : "unknown",
                           delivery->error != NULL ? "; earlier: " : "",
                           delivery->error != NULL ? delivery->error : "");
}

/* Free with g_free(). */
static char *reason_of(const ChDeadLetterOrigin *origin, const ChDelivery *delivery)
{
    bool by_us = delivery->error != NULL && delivery->death_reason == NULL;
    if (delivery->unreadable)
        return unreadable_reason(origin);
    return by_us ? g_strdup(delivery->error) : broker_reason(delivery);
}

/* ---- rows ---- */

/* What the rows of a statement have in common. */
static ChPgParams *params_of(const ChDeadLetterOrigin *origin)
{
    char build[CH_BUILD_TEXT_BYTES];
    ch_build_name(build);
    ChPgParams *params = ch_pg_params_new(&sql_insert_dead_letters);
    ch_pg_add_uuid(params, INSERT_OTHER_GROUP_ID, ch_failure_other_id(origin->queue));
    ch_pg_add_text(params, INSERT_BUILD, build);
    return params;
}

/* Why it died, and the group of those that died so. */
static void add_reason(ChPgParams *params, const ChDeadLetterOrigin *origin, const char *type,
                       const char *reason)
{
    g_autofree char *fingerprint = ch_fingerprint(reason);
    ch_pg_add_text(params, INSERT_TYPE, type);
    ch_pg_add_text(params, INSERT_REASON, reason);
    ch_pg_add_text(params, INSERT_FINGERPRINT, fingerprint);
    ch_pg_add_uuid(params, INSERT_GROUP_ID, ch_failure_group_id(origin->queue, type, fingerprint));
}

/* What every row has, whatever can be stored of the message. */
static void add_facts(ChPgParams *params, const ChDeadLetterOrigin *origin,
                      const ChDelivery *delivery, const Facts *facts)
{
    ch_pg_add_uuid(params, INSERT_ID, facts->id);
    ch_pg_add_text(params, INSERT_QUEUE, origin->queue);
    ch_pg_add_int(params, INSERT_ATTEMPTS, delivery->retry_count);
    ch_pg_add_int(params, INSERT_BODY_BYTES, (int64_t)delivery->body_bytes);
    ch_pg_add_bytes(params, INSERT_BODY_SHA256, facts->sha256, SHA256_BYTES);
    ch_pg_add_uuid(params, INSERT_SUBJECT, facts->subject);
    ch_pg_add_uuid(params, INSERT_OTHER_ID, ch_uuid_new());
}

static void add_letter(ChPgParams *params, const ChDeadLetterOrigin *origin,
                       const ChDelivery *delivery, const Facts *facts)
{
    g_autofree char *reason = reason_of(origin, delivery);
    add_facts(params, origin, delivery, facts);
    ch_pg_add_text(params, INSERT_MESSAGE_ID, facts->message_id);
    ch_pg_add_bytes(params, INSERT_BODY, delivery->body_bytes == 0 ? (void *)"" : delivery->body,
                    MIN(delivery->body_bytes, (size_t)CH_EVENT_MAX_BYTES));
    add_reason(params, origin, delivery->type, reason);
    ch_pg_add_text(params, INSERT_TRACEPARENT, delivery->traceparent);
}

/* The statement compares with rows that are there, not with others of the batch. */
static void part_from(const Facts *earlier, size_t n, Facts *facts)
{
    for (size_t i = 0; i < n; i++) {
        if (ch_uuid_equal(earlier[i].id, facts->id) &&
            memcmp(earlier[i].sha256, facts->sha256, SHA256_BYTES) != 0)
            facts->id = ch_uuid_new();
    }
}

static bool insert(ChPg *pg, ChPgParams *params, GError **error)
{
    return ch_pg_send(pg, params, NULL, error) && ch_pg_wait(pg, error);
}

bool ch_dead_letter_insert(ChPg *pg, const ChDeadLetterOrigin *origin,
                           ChDelivery *const *deliveries, size_t n, GError **error)
{
    g_autofree Facts *facts = g_new0(Facts, n);
    ChPgParams *params = params_of(origin);
    for (size_t i = 0; i < n; i++) {
        find_facts(origin, deliveries[i], &facts[i]);
        part_from(facts, i, &facts[i]);
        add_letter(params, origin, deliveries[i], &facts[i]);
        g_clear_pointer(&facts[i].message_id, g_free);
    }
    return insert(pg, params, error);
}

bool ch_dead_letter_insert_bare(ChPg *pg, const ChDeadLetterOrigin *origin,
                                const ChDelivery *delivery, const char *why, GError **error)
{
    Facts facts = { .id = id_of(origin, delivery), .message_id = NULL };
    hash(delivery, facts.sha256);
    g_autofree char *reason =
        g_strdup_printf("it could not be stored, so it has no body here: %s", why);
    ChPgParams *params = params_of(origin);
    add_facts(params, origin, delivery, &facts);
    ch_pg_add_text(params, INSERT_MESSAGE_ID, NULL);
    ch_pg_add_bytes(params, INSERT_BODY, "", 0);
    add_reason(params, origin, NULL, reason);
    ch_pg_add_text(params, INSERT_TRACEPARENT, NULL);
    return insert(pg, params, error);
}
