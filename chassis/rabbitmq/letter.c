/* Dead letters that never met a transaction. */
#include "chassis/rabbitmq/letter.h"

#include "chassis/core/time.h"
#include "chassis/core/uuid.h"

enum {
    CONFIRM_WAIT_MS = 10 * 1000, /* a letter may have 16 MiB */
    MAX_REASON_CHARS = 500,
    MAX_KNOWN =
        256, /* ids that are remembered: more letters than that are rarely in doubt at once */
};

struct ChLetters {
    ChPublisherConfig config;
    ChPublisher *publisher; /* NULL: at rest */
    GHashTable *ids;        /* ChUuid * of a body -> ChUuid * of its letter */
};

ChLetters *ch_letters_new(const ChPublisherConfig *config)
{
    ChLetters *letters = g_new0(ChLetters, 1);
    letters->config = *config;
    letters->ids = g_hash_table_new_full(ch_uuid_hash, ch_uuid_equal_pointers, g_free, g_free);
    return letters;
}

void ch_letters_free(ChLetters *letters)
{
    if (letters == NULL)
        return;
    ch_letters_rest(letters);
    g_hash_table_unref(letters->ids);
    g_free(letters);
}

void ch_letters_rest(ChLetters *letters)
{
    g_clear_pointer(&letters->publisher, ch_publisher_free);
}

/* A message that comes for the first time is a letter of its own, whatever it holds: it may be the
 * replay of one. */
static ChUuid id_of(ChLetters *letters, const ChDelivery *delivery)
{
    static const ChUuid bodies = { { 0x5f, 0x1c, 0x7e, 0x22, 0x90, 0xd4, 0x43, 0xb8, 0xa6, 0x0d,
                                     0xe1, 0x57, 0x3c, 0x88, 0x2f, 0x94 } };
    const ChUuid body = ch_uuid_derive(
        bodies, delivery->body_bytes > 0 ? (const char *)delivery->body : "", delivery->body_bytes);
    const ChUuid *known = g_hash_table_lookup(letters->ids, &body);
    if (known != NULL && delivery->delivery_count > 0)
        return *known;
    if (g_hash_table_size(letters->ids) >= MAX_KNOWN)
        g_hash_table_remove_all(letters->ids);
    ChUuid id = ch_uuid_new();
    g_hash_table_insert(letters->ids, g_memdup2(&body, sizeof body), g_memdup2(&id, sizeof id));
    return id;
}

bool ch_letters_publish(ChLetters *letters, const ChQueue *queue, const ChDelivery *delivery,
                        const char *why, GError **error)
{
    g_autofree char *reason =
        g_utf8_substring(why, 0, MIN(g_utf8_strlen(why, -1), MAX_REASON_CHARS));
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(id_of(letters, delivery), id);
    const ChMessage message = {
        .exchange = queue->dead_letter_exchange,
        .routing_key = queue->name,
        .body = delivery->body,
        .body_bytes = delivery->body_bytes,
        .message_id = delivery->message_id,
        .type = delivery->type,
        .traceparent = delivery->traceparent,
        .failed_queue = queue->name,
        .error = reason,
        .dead_letter_id = id,
        .created_us = ch_time_now_us(),
        .retry_count = delivery->retry_count + 1,
        .mandatory = true,
    };
    ChPublishOutcome outcome = CH_PUBLISH_REFUSED;
    if (letters->publisher == NULL)
        letters->publisher = ch_publisher_new(&letters->config);
    if (!ch_publisher_publish(letters->publisher, &message, 1, CONFIRM_WAIT_MS, &outcome, error))
        return false;
    if (outcome == CH_PUBLISH_CONFIRMED)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE,
                "broker: the dead letter queue of %s does not take a message: %s", queue->name,
                outcome == CH_PUBLISH_RETURNED ? "no queue is bound" : "it refuses");
    return false;
}
