/* The unit of work of lanes that have nothing to undo. */
#include "chassis/core/work.h"

static bool holds(ChWork *work, GError **error)
{
    (void)work;
    (void)error;
    return true;
}

static void nothing_to_undo(ChWork *work)
{
    (void)work;
}

static const ChWorkOps no_work_ops = {
    .begin = holds,
    .commit = holds,
    .rollback = nothing_to_undo,
    .idle = holds,
};

ChWork *ch_no_work(void)
{
    static const ChWork no_work = { .ops = &no_work_ops };
    return (ChWork *)&no_work; /* it has nothing that could change */
}
