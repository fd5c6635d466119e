/* Statements of $1 the customer, $2 how many rows at most. */
#include "notification/infrastructure/pg_erasure.h"

#include "notification/infrastructure/emptying.h"

static const ChPgStatement sql_erase_notifications = {
    "update notifications set " NOTIFICATION_EMPTIED " where id = any(array("
    "select id from notifications where customer_id = $1 and emptied_at is null"
    " order by id limit $2 for update))",
    { CH_PG_UUID, CH_PG_INT },
};

const ChErasurePart notification_erasure[NOTIFICATION_ERASURE_PARTS] = {
    { "notifications", &sql_erase_notifications },
};
