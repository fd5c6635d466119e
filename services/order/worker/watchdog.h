/* The lane that watches over stuck orders. */
#pragma once

#include "chassis/runtime/worker.h"
#include "order/application/progress.h"
#include "order/application/watch.h"

/** Adds the lane; @new_store makes its store. Borrows @progress for the worker's life. */
void order_watchdog_add(ChWorker *worker, OrderWatchStore *(*new_store)(ChPg *pg),
                        OrderProgress *progress, int64_t stuck_after_ms);
