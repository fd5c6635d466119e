/* The list that every service has. */
#include "stock/api/lists.h"

#include "chassis/runtime/audit.h"

bool stock_api_list_audit(void *lists, ChHttpRequest *const *requests, size_t n, GError **error)
{
    return ch_audit_api_list(((const StockLists *)lists)->audit, requests, n, error);
}
