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

static void add_limit(Arguments *arguments, ChQueueType type)
{
    if (type == CH_QUEUE_QUORUM)
        add_number(arguments, "x-delivery-limit", DELIVERY_LIMIT);
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

/* What is there with other arguments keeps them, whoever made it, and a declaration of ours closes
 * the channel. It is used as it is; the broker's word tells the first difference, and AMQP no more.
 */
static bool accept(amqp_connection_state_t connection, const char *what, const char *name,
                   const GError *refused, GError **error)
{
    if (!ch_amqp_check(amqp_get_rpc_reply(connection), "look at what is there", error)) {
        g_prefix_error(error, "%s %s: refused (%s), then: ", what, name, refused->message);
        return false;
    }
    ch_log_warning("what is on the broker differs from what is declared, and is used as it is",
                   CH_STR(what, name), CH_ERR(refused));
    return true;
}

/* *as_asked: it has these arguments. */
static bool declare_or_accept_queue(amqp_connection_state_t connection, const char *name,
                                    Arguments *arguments, bool *as_asked, GError **error)
{
    g_autoptr(GError) refused = NULL;
    *as_asked = declare_queue(connection, name, arguments, &refused);
    if (*as_asked)
        return true;
    if (!g_error_matches(refused, CH_ERROR, CH_ERROR_FAILED)) {
        g_propagate_error(error, g_steal_pointer(&refused));
        return false;
    }
    if (!ch_amqp_reopen_channel(connection, error))
        return false;
    amqp_queue_declare(connection, CH_AMQP_CHANNEL, amqp_cstring_bytes(name), 1, 0, 0, 0,
                       amqp_empty_table); /* passive: it asks */
    return accept(connection, "queue", name, refused, error);
}

static bool declare_exchange(amqp_connection_state_t connection, const char *name, bool passive,
                             GError **error)
{
    amqp_exchange_declare(connection, CH_AMQP_CHANNEL, amqp_cstring_bytes(name),
                          amqp_cstring_bytes("topic"), passive ? 1 : 0, 1, 0, 0, amqp_empty_table);
    if (passive)
        return true; /* accept() looks at the answer */
    if (ch_amqp_check(amqp_get_rpc_reply(connection), "declare an exchange", error))
        return true;
    g_prefix_error(error, "exchange %s: ", name);
    return false;
}

bool ch_declare_exchange(amqp_connection_state_t connection, const char *name, GError **error)
{
    g_autoptr(GError) refused = NULL;
    if (declare_exchange(connection, name, false, &refused))
        return true;
    if (!g_error_matches(refused, CH_ERROR, CH_ERROR_FAILED)) {
        g_propagate_error(error, g_steal_pointer(&refused));
        return false;
    }
    return ch_amqp_reopen_channel(connection, error) &&
           declare_exchange(connection, name, true, error) &&
           accept(connection, "exchange", name, refused, error);
}

/* RabbitMQ 4 limits a quorum queue that has no limit to 20 deliveries, and then drops what nothing
 * dead-letters: an outage of the database would cost dead letters. And a letter that cannot be read
 * is rejected to a queue without a consumer. A queue that was made without these arguments stays as
 * it is; decisions 10 and 47 say what gives them to it. */
static bool declare_dead_letter_queue(amqp_connection_state_t connection, const ChQueue *queue,
                                      ChQueueKind kind, const char *unread, bool *keeps_rejected,
                                      GError **error)
{
    char name[CH_QUEUE_NAME_BYTES];
    ch_queue_dead_letter_name(queue->name, name);
    Arguments arguments = { .n = 0 };
    if (kind.shape == CH_SHAPE_CARTWHEEL) {
        add_type(&arguments, kind.type);
        add_limit(&arguments, kind.type);
        add_dead_lettering(&arguments, kind.type, "", unread);
    }
    if (!declare_or_accept_queue(connection, name, &arguments, keeps_rejected, error) ||
        !bind_queue(connection, name, queue->dead_letter_exchange, queue->name, error))
        return false;
    if (kind.shape == CH_SHAPE_CARTWHEEL)
        return true;
    *keeps_rejected = false;
    return bind_queue(connection, name, queue->dead_letter_exchange, name, error); /* theirs */
}

bool ch_declare_dead_letters(amqp_connection_state_t connection, const ChQueue *queue,
                             ChQueueKind kind, bool *keeps_rejected, GError **error)
{
    char unread[CH_QUEUE_NAME_BYTES];
    ch_queue_unread_name(queue->name, unread);
    Arguments arguments = { .n = 0 };
    add_type(&arguments, kind.type);
    add_limit(&arguments, kind.type);
    bool as_asked = false;
    return declare_or_accept_queue(connection, unread, &arguments, &as_asked, error) &&
           ch_declare_exchange(connection, queue->dead_letter_exchange, error) &&
           declare_dead_letter_queue(connection, queue, kind, unread, keeps_rejected, error);
}

/* One that was made with the other type does the same. Any other difference is refused: what goes
 * into such a queue might never come back. */
static bool declare_retry_queue(amqp_connection_state_t connection, const ChQueue *queue,
                                ChQueueType type, int attempt, GError **error)
{
    char name[CH_QUEUE_NAME_BYTES];
    ch_queue_retry_name(queue->name, attempt, name);
    Arguments arguments = { .n = 0 };
    add_type(&arguments, type);
    add_dead_lettering(&arguments, type, "", queue->name);
    add_number(&arguments, "x-message-ttl", ch_retry_delays_ms[attempt - 1]);
    return declare_queue(connection, name, &arguments, error);
}

/* Each delay has a queue of its own, because a message only expires at the head of its queue. */
static bool declare_retries(amqp_connection_state_t connection, const ChQueue *queue,
                            ChQueueType type, GError **error)
{
    const ChQueueType other = type == CH_QUEUE_QUORUM ? CH_QUEUE_CLASSIC : CH_QUEUE_QUORUM;
    for (int attempt = 1; attempt <= CH_RETRIES; attempt++) {
        g_autoptr(GError) refused = NULL;
        if (declare_retry_queue(connection, queue, type, attempt, &refused))
            continue;
        if (!g_error_matches(refused, CH_ERROR, CH_ERROR_FAILED)) {
            g_propagate_error(error, g_steal_pointer(&refused));
            return false;
        }
        if (!ch_amqp_reopen_channel(connection, error) ||
            !declare_retry_queue(connection, queue, other, attempt, error))
            return false;
    }
    return true;
}

bool ch_declare_queue(amqp_connection_state_t connection, const ChQueue *queue, ChQueueKind kind,
                      bool *keeps_rejected, GError **error)
{
    Arguments arguments = { .n = 0 };
    if (kind.shape == CH_SHAPE_CARTWHEEL) {
        add_type(&arguments, kind.type);
        add_dead_lettering(&arguments, kind.type, queue->dead_letter_exchange, queue->name);
        add_limit(&arguments, kind.type);
    }
    bool as_asked = false;
    bool letters_kept = false;
    if (!ch_declare_dead_letters(connection, queue, kind, &letters_kept, error) ||
        !declare_or_accept_queue(connection, queue->name, &arguments, &as_asked, error))
        return false;
    *keeps_rejected = as_asked && kind.shape == CH_SHAPE_CARTWHEEL;
    return declare_retries(connection, queue, kind.type, error) &&
           ch_declare_exchange(connection, queue->exchange, error) &&
           bind_queue(connection, queue->name, queue->exchange, queue->routing_key, error);
}
