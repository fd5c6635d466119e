/* The order worker's own housekeeping: idempotency keys that are out of date. */
#pragma once

#include "chassis/runtime/worker.h"
#include "order/application/ports.h"

/** A lane that deletes keys older than a day; @new_store makes its store. */
void order_housekeeping_add(ChWorker *worker, OrderStore *(*new_store)(ChPg *pg));
