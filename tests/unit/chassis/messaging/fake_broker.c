/* The scripts and the journals. */
#include "fake_broker.h"

#include <string.h>

/* ---- publishing ---- */

struct ChPublisher {
    GHashTable *outcomes; /* message id -> ChPublishOutcome, as a pointer */
    char *guilty;         /* message id; NULL: none */
    bool lost;
    GString *journal;
    GString *last;
};

ChPublisher *fake_publisher_new(void)
{
    ChPublisher *publisher = g_new0(ChPublisher, 1);
    publisher->outcomes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    publisher->journal = g_string_new(NULL);
    publisher->last = g_string_new(NULL);
    return publisher;
}

void fake_publisher_free(ChPublisher *publisher)
{
    g_hash_table_unref(publisher->outcomes);
    g_string_free(publisher->journal, TRUE);
    g_string_free(publisher->last, TRUE);
    g_free(publisher->guilty);
    g_free(publisher);
}

void fake_publisher_set_outcome(ChPublisher *publisher, const char *message_id,
                                ChPublishOutcome outcome)
{
    g_hash_table_insert(publisher->outcomes, g_strdup(message_id), GINT_TO_POINTER(outcome));
}

void fake_publisher_blame(ChPublisher *publisher, const char *message_id)
{
    g_free(publisher->guilty);
    publisher->guilty = g_strdup(message_id);
}

void fake_publisher_lose(ChPublisher *publisher)
{
    publisher->lost = true;
}

const char *fake_publisher_journal(const ChPublisher *publisher)
{
    return publisher->journal->str;
}

const char *fake_publisher_last(const ChPublisher *publisher)
{
    return publisher->last->str;
}

/* False with the error when the connection is to be lost now. */
static bool is_there(bool *lost, GError **error)
{
    if (!*lost)
        return true;
    *lost = false;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "the broker is away");
    return false;
}

static void note_text(GString *out, const char *name, const char *text)
{
    if (text != NULL)
        g_string_append_printf(out, "%s: %s\n", name, text);
}

static void note_number(GString *out, const char *name, int64_t number)
{
    if (number != 0)
        g_string_append_printf(out, "%s: %" G_GINT64_FORMAT "\n", name, number);
}

static void note_message(GString *out, const ChMessage *message)
{
    g_string_truncate(out, 0);
    note_text(out, "exchange", message->exchange);
    note_text(out, "routing_key", message->routing_key);
    g_string_append_printf(out, "body: %.*s\n", (int)message->body_bytes,
                           (const char *)message->body);
    note_text(out, "message_id", message->message_id);
    note_text(out, "type", message->type);
    note_text(out, "traceparent", message->traceparent);
    note_text(out, "failed_queue", message->failed_queue);
    note_text(out, "error", message->error);
    note_text(out, "dead_letter_id", message->dead_letter_id);
    note_number(out, "created_us", message->created_us);
    note_number(out, "retry_count", message->retry_count);
    note_number(out, "mandatory", message->mandatory);
}

bool ch_publisher_publish(ChPublisher *publisher, const ChMessage *messages, size_t n,
                          int wait_ms G_GNUC_UNUSED, ChPublishOutcome *outcomes, GError **error)
{
    bool guilty = false;
    g_assert_cmpuint(n, >, 0);
    for (size_t i = 0; i < n; i++) {
        g_string_append_printf(publisher->journal, "%s%s", i == 0 ? "[" : " ",
                               messages[i].message_id);
        guilty = guilty || g_strcmp0(messages[i].message_id, publisher->guilty) == 0;
    }
    g_string_append(publisher->journal, "] ");
    note_message(publisher->last, &messages[n - 1]);
    if (!is_there(&publisher->lost, error))
        return false;
    if (guilty) {
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the broker closed the channel");
        return false;
    }
    for (size_t i = 0; i < n; i++)
        outcomes[i] = (ChPublishOutcome)GPOINTER_TO_INT(
            g_hash_table_lookup(publisher->outcomes, messages[i].message_id));
    return true;
}

bool ch_publisher_idle(ChPublisher *publisher, GError **error)
{
    g_string_append(publisher->journal, "idle ");
    return is_there(&publisher->lost, error);
}

/* ---- consuming ---- */

struct ChConsumer {
    GQueue waiting;   /* ChDelivery *, owned */
    GHashTable *open; /* ChDelivery * that were fetched and not settled; not owned */
    uint64_t last_tag;
    bool lost;
    bool drops_rejected;
    GString *journal;
};

ChConsumer *fake_consumer_new(void)
{
    ChConsumer *consumer = g_new0(ChConsumer, 1);
    consumer->open = g_hash_table_new(NULL, NULL);
    consumer->journal = g_string_new(NULL);
    return consumer;
}

static void free_delivery(void *delivery)
{
    ch_delivery_free(delivery);
}

void fake_consumer_free(ChConsumer *consumer)
{
    g_assert_cmpuint(g_hash_table_size(consumer->open), ==, 0);
    g_hash_table_unref(consumer->open);
    g_queue_clear_full(&consumer->waiting, free_delivery);
    g_string_free(consumer->journal, TRUE);
    g_free(consumer);
}

void fake_consumer_put(ChConsumer *consumer, const ChDelivery *delivery)
{
    ChDelivery *copy = g_memdup2(delivery, sizeof *delivery);
    copy->tag = ++consumer->last_tag;
    copy->body = g_memdup2(delivery->body, delivery->body_bytes);
    copy->message_id = g_strdup(delivery->message_id);
    copy->type = g_strdup(delivery->type);
    copy->content_encoding = g_strdup(delivery->content_encoding);
    copy->routing_key = g_strdup(delivery->routing_key);
    copy->traceparent = g_strdup(delivery->traceparent);
    copy->failed_queue = g_strdup(delivery->failed_queue);
    copy->error = g_strdup(delivery->error);
    copy->dead_letter_id = g_strdup(delivery->dead_letter_id);
    copy->death_reason = g_strdup(delivery->death_reason);
    g_queue_push_tail(&consumer->waiting, copy);
}

void fake_consumer_lose(ChConsumer *consumer)
{
    consumer->lost = true;
}

void fake_consumer_drop_rejected(ChConsumer *consumer)
{
    consumer->drops_rejected = true;
}

const char *fake_consumer_journal(const ChConsumer *consumer)
{
    return consumer->journal->str;
}

/* Notes what becomes of deliveries[0..n), which must be open, and frees them. */
static void end(ChConsumer *consumer, const char *how, ChDelivery *const *deliveries, size_t n)
{
    g_assert_cmpuint(n, >, 0);
    uint64_t first = deliveries[0]->tag;
    uint64_t last = deliveries[n - 1]->tag;
    g_string_append_printf(consumer->journal, n == 1 ? "%s(%d) " : "%s(%d-%d) ", how, (int)first,
                           (int)last);
    for (size_t i = 0; i < n; i++) {
        g_assert_true(g_hash_table_remove(consumer->open, deliveries[i]));
        ch_delivery_free(deliveries[i]);
    }
}

bool ch_consumer_fetch(ChConsumer *consumer, ChDelivery **deliveries, size_t max,
                       int wait_ms G_GNUC_UNUSED, size_t *n, GError **error)
{
    if (!is_there(&consumer->lost, error))
        return false;
    *n = 0;
    while (*n < max && !g_queue_is_empty(&consumer->waiting)) {
        deliveries[*n] = g_queue_pop_head(&consumer->waiting);
        g_hash_table_add(consumer->open, deliveries[(*n)++]);
    }
    return true;
}

/* The broker takes it for all tags up to the last: none of those before may be open still. */
static void assert_nothing_before(ChConsumer *consumer, uint64_t tag)
{
    GHashTableIter iter;
    gpointer delivery;
    g_hash_table_iter_init(&iter, consumer->open);
    while (g_hash_table_iter_next(&iter, &delivery, NULL))
        g_assert_cmpuint(((const ChDelivery *)delivery)->tag, >=, tag);
}

void ch_consumer_ack(ChConsumer *consumer, ChDelivery *const *deliveries, size_t n)
{
    assert_nothing_before(consumer, deliveries[0]->tag);
    end(consumer, "ack", deliveries, n);
}

void ch_consumer_give_up(ChConsumer *consumer, ChDelivery *delivery, const char *why)
{
    g_assert_false(delivery->unreadable);
    g_assert_nonnull(why);
    end(consumer, "give-up", &delivery, 1);
}

void ch_consumer_reject(ChConsumer *consumer, ChDelivery *delivery)
{
    end(consumer, "reject", &delivery, 1);
}

bool ch_consumer_keeps_rejected(const ChConsumer *consumer)
{
    return !consumer->drops_rejected;
}

void ch_consumer_set_aside(ChConsumer *consumer, ChDelivery *delivery)
{
    end(consumer, "aside", &delivery, 1);
}

void ch_consumer_release(ChConsumer *consumer, ChDelivery *const *deliveries, size_t n)
{
    end(consumer, "release", deliveries, n);
}

void ch_consumer_keep_alive(ChConsumer *consumer)
{
    g_string_append(consumer->journal, "keep-alive ");
}

void ch_consumer_rest(ChConsumer *consumer)
{
    g_string_append(consumer->journal, "rest ");
}

void ch_consumer_close(ChConsumer *consumer)
{
    g_string_append(consumer->journal, "close ");
}

void ch_consumer_wake(ChConsumer *consumer)
{
    g_string_append(consumer->journal, "wake ");
}
