/* The order worker's own housekeeping: idempotency keys that are out of date. */
#pragma once

#include "chassis/runtime/worker.h"
#include "order/application/ports.h"

/** A lane that deletes keys older than a day; @new_upkeep makes its port. */
void order_housekeeping_add(ChWorker *worker, OrderUpkeep *(*new_upkeep)(ChPg *pg));
