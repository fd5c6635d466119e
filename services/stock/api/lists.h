/* What the lane of lists reads: the context of its handlers. */
#pragma once

#include "chassis/audit/audit_log.h"
#include "chassis/http/request.h"
#include "stock/application/ports.h"

typedef struct {
    StockReads *reads;
    ChAuditLog *audit;
    ChPg *pg; /* on which both work; messages are looked for there */
} StockLists;

/** GET /api/audit */
bool stock_api_list_audit(void *lists, ChHttpRequest *const *requests, size_t n, GError **error);
