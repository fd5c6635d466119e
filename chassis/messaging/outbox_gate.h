/* The gate of an API: closed while too many messages wait to be published, so that intake stops
 * before the disk is full. */
#pragma once

#include "chassis/core/ticker.h"
#include "chassis/postgres/pipeline.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ChOutboxGate ChOutboxGate;

/** Open at first. Borrows @pg, which belongs to the lane that runs it. */
ChOutboxGate *ch_outbox_gate_new(ChPg *pg, int64_t max_pending);
void ch_outbox_gate_free(ChOutboxGate *gate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChOutboxGate, ch_outbox_gate_free)

/** The ChHandler of a ticking lane: looks how full the outbox is. @gate is its context. */
bool ch_outbox_gate_run(void *gate, void *const *items, size_t n, GError **error);

/** True when intake may go on; else *retry_after_s says when to ask again. Any thread. */
bool ch_outbox_gate_admit(void *gate, unsigned *retry_after_s);
