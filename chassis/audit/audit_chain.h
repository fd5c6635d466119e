/* Whether the chain of the audit log is whole, a piece at a time. */
#pragma once

#include "chassis/postgres/statement.h"

/** As the `look` of a ChAuditorCheck (chassis/messaging/auditor.h): follows the links from row to
 * row, and holds the last one against the head. A row whose address and reason were erased is
 * whole; so is a log whose oldest rows were archived up to a link. */
extern const ChPgStatement ch_audit_look_at_chain;
