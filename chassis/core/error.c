/* The error domain of the chassis. */
#include "chassis/core/error.h"

#include <stdatomic.h>

/* By hand: what G_DEFINE_QUARK() keeps is written by each thread that has an error first,
 * unguarded. */
GQuark ch_error_quark(void)
{
    static _Atomic GQuark quark;
    GQuark known = atomic_load_explicit(&quark, memory_order_relaxed);
    if (known == 0) {
        known = g_quark_from_static_string("ch-error-quark");
        atomic_store_explicit(&quark, known, memory_order_relaxed);
    }
    return known;
}

bool ch_error_is_unavailable(const GError *error)
{
    return error != NULL && g_error_matches(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}
