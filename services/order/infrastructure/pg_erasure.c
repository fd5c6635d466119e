/* Statements of $1 the customer, $2 how many rows at most. */
#include "order/infrastructure/pg_erasure.h"

#include "chassis/audit/audit.h"

/* The history repeats a reason that came with an event, the audit log one that a caller gave. */
static const ChPgStatement sql_erase_reasons = {
    "with told as (select id, reason from orders where customer_id = $1"
    "  and reason is not null and reason <> 'erased' order by id limit $2 for update),"
    " history as (update order_history h set cause = 'erased' from told"
    "  where h.order_id = told.id and h.status = 3 and h.cause = told.reason),"
    " audit as (update audit_log a set " CH_AUDIT_ERASED " from told"
    "  where a.object_id = told.id and a.salt is not null)"
    " update orders o set reason = 'erased' from told where o.id = told.id",
    { CH_PG_UUID, CH_PG_INT },
};

/* Clients choose keys, so anything may stand in them. */
static const ChPgStatement sql_erase_keys = {
    "delete from idempotency_keys where ctid = any(array("
    "select ctid from idempotency_keys where customer_id = $1 limit $2))",
    { CH_PG_UUID, CH_PG_INT },
};

/* An event has to be published yet, so it stays one. The form that `escape` gives a body is text
 * whatever its bytes are: a backslash is two, a byte beyond ASCII one and three digits. */
static const ChPgStatement sql_erase_parked_events = {
    "update outbox_parked set body = decode(regexp_replace(encode(body, 'escape'),"
    "  '\"Reason\"\\s*:\\s*\"([^\"\\\\]|\\\\\\d{3}|\\\\\\\\([^\\\\]|\\\\\\\\))*\"',"
    "  '\"Reason\":\"erased\"', 'g'), 'escape')"
    " where id = any(array(select id from outbox_parked where person = $1 and failed_queue is null"
    "  and encode(body, 'escape') ~ '\"Reason\"\\s*:\\s*\"(?!erased\")' order by id limit $2"
    "  for update))",
    { CH_PG_UUID, CH_PG_INT },
};

const ChErasurePart order_erasure[ORDER_ERASURE_PARTS] = {
    { "reasons", &sql_erase_reasons },
    { "idempotencyKeys", &sql_erase_keys },
    { "parkedEvents", &sql_erase_parked_events },
};
