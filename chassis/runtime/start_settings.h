/* What a process can say of its own settings at its start. */
#pragma once

#include "chassis/core/config.h"

/** Warns of passwords that everybody knows, of plain text to other machines, and of certificates
 * and keys that end soon, as @config, read by the @n keys, has them. Reads the files that it names.
 */
void ch_start_check_settings(const ChConfigKey *keys, size_t n, const void *config);
