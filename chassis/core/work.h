/* A unit of work: what a lane opens before its handler and commits after it.
 * chassis/postgres fills it with a transaction; tests fill it with a fake. */
#pragma once

#include "chassis/core/error.h"

typedef struct ChWork ChWork;

typedef struct {
    /* Opens the unit. Cheap: a database transaction is opened with its first statement's round
     * trip. */
    bool (*begin)(ChWork *work, GError **error);
    /* Makes it durable. When this fails nobody knows whether it took effect. */
    bool (*commit)(ChWork *work, GError **error);
    /* Undoes it; never fails. Also fine when nothing is open. */
    void (*rollback)(ChWork *work);
    /* Called about once a second while the lane has nothing to do: keeps the connection whole. */
    bool (*idle)(ChWork *work, GError **error);
    const char *system; /* where it is a transaction, as spans name it; NULL: it is none */
} ChWorkOps;

struct ChWork {
    const ChWorkOps *ops; /* every slot is mandatory but system */
};

/** Of a lane whose handler changes nothing that could be undone; shared. */
ChWork *ch_no_work(void);
