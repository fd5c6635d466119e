/* The classes of failure. A code names what the caller does next, not which line failed. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#define CH_MUST_CHECK __attribute__((warn_unused_result))

typedef enum {
    /* A server is away or overloaded, or a conflict will pass: nothing is wrong with the items.
     * Wait and run the same batch again; attempts are not counted. */
    CH_ERROR_UNAVAILABLE,
    /* An item of the batch cannot be processed. Run it again in halves until that one
     * stands alone, then count an attempt against that one. */
    CH_ERROR_FAILED,
    /* A setting, an address or a file of the operator is wrong: say so and exit with status 2. */
    CH_ERROR_CONFIG,
} ChErrorCode;

#define CH_ERROR (ch_error_quark())
GQuark ch_error_quark(void);

/** True when @error says that the same batch should be tried again later. NULL is not. */
bool ch_error_is_unavailable(const GError *error);
