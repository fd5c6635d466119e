/* Writing into the outbox. */
#include "chassis/messaging/outbox.h"

#include <string.h>

/* One array a column, an element a message. */
static const ChPgStatement sql_insert_outbox = {
    "insert into outbox (id, message_id, exchange, routing_key, message_type, body, traceparent,"
    " retry_count, failed_queue, error, mandatory)"
    " select id, message_id, exchange, routing_key, message_type, body, traceparent,"
    " retry_count, failed_queue, error, mandatory = 1"
    " from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as message (id, message_id,"
    " exchange, routing_key, message_type, body, traceparent, retry_count, failed_queue, error,"
    " mandatory)",
    { CH_PG_UUIDS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_BYTES, CH_PG_TEXTS,
      CH_PG_INTS, CH_PG_TEXTS, CH_PG_TEXTS, CH_PG_INTS },
};
enum {
    INSERT_ID,
    INSERT_MESSAGE_ID,
    INSERT_EXCHANGE,
    INSERT_ROUTING_KEY,
    INSERT_TYPE,
    INSERT_BODY,
    INSERT_TRACEPARENT,
    INSERT_RETRY_COUNT,
    INSERT_FAILED_QUEUE,
    INSERT_ERROR,
    INSERT_MANDATORY,
};

static void add_message(ChPgParams *params, const ChOutboxMessage *message)
{
    ch_pg_add_uuid(params, INSERT_ID, ch_uuid_new());
    ch_pg_add_text(params, INSERT_MESSAGE_ID, message->message_id);
    ch_pg_add_text(params, INSERT_EXCHANGE, message->exchange);
    ch_pg_add_text(params, INSERT_ROUTING_KEY, message->routing_key);
    ch_pg_add_text(params, INSERT_TYPE, message->type);
    ch_pg_add_bytes(params, INSERT_BODY, message->body_bytes == 0 ? "" : message->body,
                    message->body_bytes);
    ch_pg_add_text(params, INSERT_TRACEPARENT, message->traceparent);
    ch_pg_add_int(params, INSERT_RETRY_COUNT, message->retry_count);
    ch_pg_add_text(params, INSERT_FAILED_QUEUE, message->failed_queue);
    ch_pg_add_text(params, INSERT_ERROR, message->error);
    ch_pg_add_int(params, INSERT_MANDATORY, message->mandatory ? 1 : 0);
}

bool ch_outbox_add(ChPg *pg, const ChOutboxMessage *messages, size_t n, GError **error)
{
    if (n == 0)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_insert_outbox);
    for (size_t i = 0; i < n; i++)
        add_message(params, &messages[i]);
    ch_pg_announce(pg);
    return ch_pg_send(pg, params, NULL, error);
}

bool ch_outbox_add_events(ChPg *pg, const char *exchange, bool mandatory,
                          const ChOutboxEvent *events, size_t n, GError **error)
{
    if (n == 0)
        return true;
    ChPgParams *params = ch_pg_params_new(&sql_insert_outbox);
    for (size_t i = 0; i < n; i++) {
        char id[CH_UUID_TEXT_BYTES];
        char traceparent[CH_TRACEPARENT_BYTES];
        ch_uuid_format(events[i].id, id);
        ch_trace_format(events[i].trace, traceparent);
        const ChOutboxMessage message = {
            .message_id = id,
            .exchange = exchange,
            .routing_key = events[i].type,
            .type = events[i].type,
            .body = events[i].body->str,
            .body_bytes = events[i].body->len,
            .traceparent = traceparent,
            .mandatory = mandatory,
        };
        add_message(params, &message);
        g_string_free(events[i].body, TRUE);
    }
    ch_pg_announce(pg);
    return ch_pg_send(pg, params, NULL, error);
}
