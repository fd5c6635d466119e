/* Notifications that are sent again. The senders find them as they find all that is due. */
#include "notification/infrastructure/pg_resend.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/pipeline.h"

/* $1 id. */
static const ChPgStatement sql_lock_notification = {
    "select status, attempts, emptied_at is not null, resent_at is not null from notifications"
    " where id = $1 for update",
    { CH_PG_UUID },
};
enum {
    LOCK_STATUS,
    LOCK_ATTEMPTS,
    LOCK_EMPTIED,
    LOCK_RESENT,
};

/* $1 id, $2 message id. When it was sent stays, should this come to nothing. */
static const ChPgStatement sql_send_again = {
    "update notifications set status = 1, due_at = now(), resent_at = now(), message_id = $2,"
    " attempts_before = attempts, error = null, updated_at = now() where id = $1",
    { CH_PG_UUID, CH_PG_UUID },
};

typedef struct {
    NotificationResendStore base;
    ChPg *pg;
} PgResendStore;

static const NotificationResendStoreOps pg_resend_ops;

static ChPg *pg_of(NotificationResendStore *self)
{
    return CH_CAST(PgResendStore, self, &pg_resend_ops)->pg;
}

static bool lock(NotificationResendStore *self, ChUuid id, NotificationSendable *sendable,
                 bool *found, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_lock_notification);
    ch_pg_add_uuid(params, 0, id);
    g_autoptr(ChPgRows) rows = ch_pg_query(pg_of(self), params, error);
    if (rows == NULL)
        return false;
    *found = ch_pg_rows_count(rows) > 0;
    if (*found)
        *sendable = (NotificationSendable){
            .status = (NotificationStatus)ch_pg_int(rows, 0, LOCK_STATUS),
            .attempts = ch_pg_int(rows, 0, LOCK_ATTEMPTS),
            .is_emptied = ch_pg_bool(rows, 0, LOCK_EMPTIED),
            .is_resent = ch_pg_bool(rows, 0, LOCK_RESENT),
        };
    return true;
}

static bool send_again(NotificationResendStore *self, ChUuid id, ChUuid message_id, GError **error)
{
    ChPgParams *params = ch_pg_params_new(&sql_send_again);
    ch_pg_add_uuid(params, 0, id);
    ch_pg_add_uuid(params, 1, message_id);
    return ch_pg_send(pg_of(self), params, NULL, error);
}

static void free_store(NotificationResendStore *self)
{
    g_free(CH_CAST(PgResendStore, self, &pg_resend_ops));
}

static const NotificationResendStoreOps pg_resend_ops = {
    .lock = lock,
    .send_again = send_again,
    .free = free_store,
};

NotificationResendStore *notification_pg_resend_store_new(ChPg *pg)
{
    PgResendStore *store = g_new0(PgResendStore, 1);
    store->base.ops = &pg_resend_ops;
    store->pg = pg;
    return &store->base;
}
