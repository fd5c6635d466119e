/* The health check of containers that hold no shell and no curl: the binary asks itself. */
#pragma once

#include "chassis/core/config.h"

/** Asks GET /health/ready of the admin listener at @admin, over @tls or not, 3 s at most for each
 * step. True when the answer is 200. Else one line on standard error that says why, and false. */
bool ch_probe_ready(const ChListen *admin, bool tls);
