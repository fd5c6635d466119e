/* A pause that a server asked for by Retry-After. Any thread: all that call the server keep it. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/** Zeroed: no pause. */
typedef struct {
    _Atomic int64_t until_us; /* monotonic */
} ChPause;

/** Nobody calls before @until_us; a longer pause stays. */
void ch_pause_extend(ChPause *pause, int64_t until_us);

/** When the next call may be made. Monotonic; in the past: now. */
int64_t ch_pause_end_us(const ChPause *pause);
