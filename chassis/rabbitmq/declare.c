/* Exchanges, queues, bindings, dead letter queues and retry queues. */
#include "chassis/rabbitmq/declare.h"

#include "chassis/core/log.h"

enum {
    MAX_ARGUMENTS = 8,
    /* Every unsettled message of a window is counted when its consumer dies, the innocent ones too.
     * The consumer itself dead-letters what may be killing it, at 10. */
    DELIVERY_LIMIT = 1000,
};

typedef struct {
    amqp_table_entry_t entries[MAX_ARGUMENTS];
    int n;
} Arguments;

static void add_text(Arguments *arguments, const char *key, const char *value)
{
    g_assert(arguments->n < MAX_ARGUMENTS);
    amqp_table_entry_t *entry = &arguments->entries[arguments->n++];
    entry->key = amqp_cstring_bytes(key);
    entry->value.kind = AMQP_FIELD_KIND_UTF8;
    entry->value.value.bytes = amqp_cstring_bytes(value);
}

static void add_number(Arguments *arguments, const char *key, int32_t value)
{
    g_assert(arguments->n < MAX_ARGUMENTS);
    amqp_table_entry_t *entry = &arguments->entries[arguments->n++];
    entry->key = amqp_cstring_bytes(key);
    entry->value.kind = AMQP_FIELD_KIND_I32;
    entry->value.value.i32 = value;
}

static void add_type(Arguments *arguments, ChQueueType type)
{
    if (type == CH_QUEUE_QUORUM)
        add_text(arguments, "x-queue-type", "quorum");
}

/* Dead lettering that survives a crash of the broker: a message leaves its queue only when its
 * target has it (RabbitMQ manual, "At-Least-Once Dead Lettering"; quorum queues only). */
static void add_dead_lettering(Arguments *arguments, ChQueueType type, const char *exchange,
                               const char *key)
{
    add_text(arguments, "x-dead-letter-exchange", exchange);
    add_text(arguments, "x-dead-letter-routing-key", key);
    if (type != CH_QUEUE_QUORUM)
        return;
    add_text(arguments, "x-dead-letter-strategy", "at-least-once");
    add_text(arguments, "x-overflow", "reject-publish");
}

static bool declare_queue(amqp_connection_state_t connection, const char *name,
                          Arguments *arguments, GError **error)
{
    const amqp_table_t table = { arguments->n, arguments->entries };
    amqp_queue_declare(connection, CH_AMQP_CHANNEL, amqp_cstring_bytes(name), 0, 1, 0, 0, table);
    if (ch_amqp_check(amqp_get_rpc_reply(connection), "declare a queue", error))
        return true;
    g_prefix_error(error, "queue %s: ", name);
    return false;
}

static bool bind_queue(amqp_connection_state_t connection, const char *name, const char *exchange,
                       const char *key, GError **error)
{
    amqp_queue_bind(connection, CH_AMQP_CHANNEL, amqp_cstring_bytes(name),
                    amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), amqp_empty_table);
    if (ch_amqp_check(amqp_get_rpc_reply(connection), "bind a queue", error))
        return true;
    g_prefix_error(error, "queue %s to exchange %s: ", name, exchange);
    return false;
}

bool ch_declare_exchange(amqp_connection_state_t connection, const char *name, GError **error)
{
    amqp_exchange_declare(connection, CH_AMQP_CHANNEL, amqp_cstring_bytes(name),
                          amqp_cstring_bytes("topic"), 0, 1, 0, 0, amqp_empty_table);
    if (ch_amqp_check(amqp_get_rpc_reply(connection), "declare an exchange", error))
        return true;
    g_prefix_error(error, "exchange %s: ", name);
    return false;
}

/* Declares the queue with the first of @choices that the broker takes: a queue keeps the arguments
 * that it was made with, and refuses others. *chosen: which. */
static bool declare_first(amqp_connection_state_t connection, const char *name, Arguments *choices,
                          size_t n, size_t *chosen, GError **error)
{
    for (size_t i = 0;; i++) {
        g_autoptr(GError) refused = NULL;
        *chosen = i;
        if (declare_queue(connection, name, &choices[i], &refused))
            return true;
        if (i == n - 1 || !g_error_matches(refused, CH_ERROR, CH_ERROR_FAILED)) {
            g_propagate_error(error, g_steal_pointer(&refused));
            return false;
        }
        if (!ch_amqp_reopen_channel(connection, error))
            return false;
    }
}

/* RabbitMQ 4 limits a quorum queue that has no limit to 20 deliveries, and then drops what nothing
 * dead-letters: an outage of the database would cost dead letters. And a letter that cannot be read
 * is rejected to a queue without a consumer. A queue that was made without these arguments stays as
 * it is; decisions 10 and 47 say what gives them to it. */
static bool declare_dead_letter_queue(amqp_connection_state_t connection, const ChQueue *queue,
                                      ChQueueType type, const char *unread, bool *keeps_rejected,
                                      GError **error)
{
    enum {
        FULL,
        LIMITED, /* a quorum queue's */
        PLAIN,
        CHOICES_N,
    };
    char name[CH_QUEUE_NAME_BYTES];
    ch_queue_dead_letter_name(queue->name, name);
    Arguments choices[CHOICES_N] = { 0 };
    for (size_t i = 0; i < CHOICES_N; i++)
        add_type(&choices[i], type);
    if (type == CH_QUEUE_QUORUM) {
        add_number(&choices[FULL], "x-delivery-limit", DELIVERY_LIMIT);
        add_number(&choices[LIMITED], "x-delivery-limit", DELIVERY_LIMIT);
    }
    add_dead_lettering(&choices[FULL], type, "", unread);
    size_t chosen = FULL;
    if (!declare_first(connection, name, choices, CHOICES_N, &chosen, error))
        return false;
    *keeps_rejected = chosen == FULL;
    if (chosen != FULL)
        ch_log_warning("a queue of dead letters keeps its old arguments", CH_STR("queue", name));
    return true;
}

bool ch_declare_dead_letters(amqp_connection_state_t connection, const ChQueue *queue,
                             ChQueueType type, bool *keeps_rejected, GError **error)
{
    char name[CH_QUEUE_NAME_BYTES];
    char unread[CH_QUEUE_NAME_BYTES];
    ch_queue_dead_letter_name(queue->name, name);
    ch_queue_unread_name(queue->name, unread);
    Arguments arguments = { .n = 0 };
    add_type(&arguments, type);
    if (type == CH_QUEUE_QUORUM)
        add_number(&arguments, "x-delivery-limit", DELIVERY_LIMIT);
    return declare_queue(connection, unread, &arguments, error) &&
           ch_declare_exchange(connection, queue->dead_letter_exchange, error) &&
           declare_dead_letter_queue(connection, queue, type, unread, keeps_rejected, error) &&
           bind_queue(connection, name, queue->dead_letter_exchange, queue->name, error);
}

/* Each delay has a queue of its own, because a message only expires at the head of its queue. */
static bool declare_retries(amqp_connection_state_t connection, const ChQueue *queue,
                            ChQueueType type, GError **error)
{
    for (int attempt = 1; attempt <= CH_RETRIES; attempt++) {
        char name[CH_QUEUE_NAME_BYTES];
        ch_queue_retry_name(queue->name, attempt, name);
        Arguments arguments = { .n = 0 };
        add_type(&arguments, type);
        add_dead_lettering(&arguments, type, "", queue->name);
        add_number(&arguments, "x-message-ttl", ch_retry_delays_ms[attempt - 1]);
        if (!declare_queue(connection, name, &arguments, error))
            return false;
    }
    return true;
}

bool ch_declare_queue(amqp_connection_state_t connection, const ChQueue *queue, ChQueueType type,
                      GError **error)
{
    Arguments arguments = { .n = 0 };
    add_type(&arguments, type);
    add_dead_lettering(&arguments, type, queue->dead_letter_exchange, queue->name);
    if (type == CH_QUEUE_QUORUM)
        add_number(&arguments, "x-delivery-limit", DELIVERY_LIMIT);
    bool keeps_rejected = false;
    return ch_declare_dead_letters(connection, queue, type, &keeps_rejected, error) &&
           declare_queue(connection, queue->name, &arguments, error) &&
           declare_retries(connection, queue, type, error) &&
           ch_declare_exchange(connection, queue->exchange, error) &&
           bind_queue(connection, queue->name, queue->exchange, queue->routing_key, error);
}
