/* What must hold of orders and stock: I2 to I4 of docs/reliability.md. */
#pragma once

#include "steps.h"

/** After each step. @before: the facts ahead of it. NULL, or what is wrong; free with g_free(). */
char *invariants_broken(const Sequence *sequence, const Step *step, const Facts *before,
                        const Facts *after);

/** When every event was delivered. The same. */
char *invariants_broken_at_end(const Sequence *sequence, const Facts *facts);
