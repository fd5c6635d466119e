/* The lane that watches over stuck orders. */
#pragma once

#include "chassis/runtime/worker.h"
#include "order/application/ports.h"
#include "order/application/progress.h"
#include "order/application/watch.h"

typedef struct {
    OrderWatchStore *(*new_store)(ChPg *pg);
    OrderStore *(*new_orders)(ChPg *pg);
    OrderProgress *progress; /* borrowed for the worker's life */
    int64_t stuck_after_ms;
    int64_t deadline_ms; /* after which an order is given up; 0: none is */
} OrderWatchdogConfig;

/** Adds the lane. */
void order_watchdog_add(ChWorker *worker, const OrderWatchdogConfig *config);
