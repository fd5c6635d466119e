/* A flag with three states. */
#include "chassis/core/control.h"

#include <glib.h>

enum {
    UNKNOWN,
    RUNS,
    PAUSED,
};

static const char *const kind_names[] = {
    [CH_CONTROL_CONSUMER] = "consumer",
    [CH_CONTROL_RELAY] = "relay",
    [CH_CONTROL_SENDER] = "sender",
};
G_STATIC_ASSERT(G_N_ELEMENTS(kind_names) == CH_CONTROL_KINDS_N);

const char *ch_control_kind_name(ChControlKind kind)
{
    return kind_names[kind];
}

void ch_control_init(ChControl *control, const char *name, ChControlKind kind)
{
    control->name = name;
    control->kind = kind;
    atomic_init(&control->state, UNKNOWN);
}

bool ch_control_set(ChControl *control, bool paused)
{
    int before = atomic_exchange(&control->state, paused ? PAUSED : RUNS);
    return paused ? before != PAUSED : before == PAUSED;
}

bool ch_control_runs(const ChControl *control)
{
    return control == NULL || atomic_load(&control->state) == RUNS;
}

bool ch_control_paused(const ChControl *control)
{
    return control != NULL && atomic_load(&control->state) == PAUSED;
}
