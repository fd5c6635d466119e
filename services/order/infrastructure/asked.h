/* Who asks, in SQL. */
#pragma once

/** Behind a column with an owner: the order o is there for him, because he is its customer, or
 * because he is nil and it is whoever's. */
#define ORDER_NIL_OR_ITS_CUSTOMER " in ('00000000-0000-0000-0000-000000000000', o.customer_id)"
