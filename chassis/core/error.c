/* The error domain of the chassis. */
#include "chassis/core/error.h"

G_DEFINE_QUARK(ch - error - quark, ch_error)

bool ch_error_is_unavailable(const GError *error)
{
    return error != NULL && g_error_matches(error, CH_ERROR, CH_ERROR_UNAVAILABLE);
}
