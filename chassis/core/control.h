/* What an operator may pause: who does the work looks here before each piece of it.
 *
 * How it stands is written in the database; one thread of the process reads it there
 * (chassis/messaging/controls.h), any thread may look. Until it was read nobody knows, and nobody
 * works: what was paused before a restart is paused after it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

typedef enum {
    CH_CONTROL_CONSUMER,
    CH_CONTROL_RELAY,
    CH_CONTROL_SENDER,
    CH_CONTROL_KINDS_N,
} ChControlKind;

/** "consumer", "relay", "sender". */
const char *ch_control_kind_name(ChControlKind kind);

typedef struct {
    const char *name; /* unique in the system: a queue's, "order.relay", "email"; borrowed */
    ChControlKind kind;
    atomic_int state; /* how it stands: control.c */
} ChControl;

/** Nobody knows yet how it stands. */
void ch_control_init(ChControl *control, const char *name, ChControlKind kind);

/** It was read. True: that is a change, and no first look that finds it running. */
bool ch_control_set(ChControl *control, bool paused);

/** Whether to work. NULL: always. Any thread, as the next. */
bool ch_control_runs(const ChControl *control);

/** Whether it is known to be paused. NULL: never. */
bool ch_control_paused(const ChControl *control);
