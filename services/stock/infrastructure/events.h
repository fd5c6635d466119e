/* The events of the stock service, as outbox rows (docs/contract.md, 1). */
#pragma once

#include "chassis/postgres/pipeline.h"
#include "stock/application/ports.h"

#define STOCK_EVENTS_EXCHANGE "stock.events.topic"

/** Queues OrderStockProcessCompletedDomainEvent or OrderStockProcessFailedDomainEvent for each
 * result. Errors: as ch_outbox_add(). */
CH_MUST_CHECK bool stock_events_results(ChPg *pg, const StockResult *results, size_t n,
                                        GError **error);

/** Queues one StockReleasedEvent for each release. Nobody has to be interested in it. */
CH_MUST_CHECK bool stock_events_releases(ChPg *pg, const StockRelease *releases,
                                         const ChTrace *traces, size_t n, GError **error);
