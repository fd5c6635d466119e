/* Connects and begins. */
#include "chassis/postgres/work.h"

#include "chassis/core/cast.h"
#include "chassis/postgres/connection.h"
#include "chassis/postgres/libpq.h"

static const ChWorkOps pg_work_ops;

static ChPg *pg_of(ChWork *work)
{
    return CH_CAST(ChPg, work, &pg_work_ops);
}

/* The server may have closed it since the last unit of work. */
static void notice_end(ChPg *pg)
{
    if (pg->conn != NULL && (PQconsumeInput(pg->conn) == 0 || PQstatus(pg->conn) == CONNECTION_BAD))
        ch_pg_drop(pg, "the server closed the connection");
}

static bool work_begin(ChWork *work, GError **error)
{
    ChPg *pg = pg_of(work);
    notice_end(pg);
    if (!ch_pg_connect(pg, error))
        return false;
    ch_pg_begin(pg);
    return true;
}

static bool work_commit(ChWork *work, GError **error)
{
    ChPg *pg = pg_of(work);
    if (!ch_pg_commit(pg, error))
        return false;
    ch_pg_succeeded(pg);
    return true;
}

static void work_rollback(ChWork *work)
{
    ch_pg_rollback(pg_of(work));
}

static bool work_idle(ChWork *work, GError **error)
{
    ChPg *pg = pg_of(work);
    notice_end(pg);
    return ch_pg_idle(pg, error);
}

static const ChWorkOps pg_work_ops = {
    .begin = work_begin,
    .commit = work_commit,
    .rollback = work_rollback,
    .idle = work_idle,
    .system = "postgresql",
};

ChWork *ch_pg_work(ChPg *pg)
{
    pg->base.ops = &pg_work_ops;
    return &pg->base;
}
