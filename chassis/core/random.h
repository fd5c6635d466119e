/* Random bytes of the system, gathered in advance: ids are made on the hot path. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Fills @bytes with @n unpredictable bytes. Never fails; without a random source the process ends.
 * Any thread; a system call only once in a while. Not for use after fork() without exec(). */
void ch_random_fill(void *bytes, size_t n);

/** A number from 0 to @limit - 1, @limit at least 1. The bias is at most limit / 2^64. */
uint64_t ch_random_below(uint64_t limit);
