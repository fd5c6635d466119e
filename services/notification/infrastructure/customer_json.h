/* A customer as the customer service describes it (docs/contract.md, 2.5). */
#pragma once

#include "notification/application/customer.h"

#include <stdbool.h>
#include <stddef.h>

/** Reads what an answer of the customer service tells into @customer, zeroed by the caller. Each
 * field is judged alone, and made usable where that can be: one that cannot is not known. False
 * when the answer is no JSON object; @customer is then untouched. */
bool notification_customer_from_json(const char *text, size_t bytes,
                                     NotificationCustomer *customer);
