/* The references of a caller. */
#include "chassis/identity/caller.h"

ChCaller *ch_caller_new(const char *subject, const char *owner, uint64_t scopes, int64_t until_s)
{
    ChCaller *caller = g_new0(ChCaller, 1);
    atomic_init(&caller->references, 1);
    caller->subject = g_strdup(subject);
    caller->owner = g_strdup(owner);
    caller->scopes = scopes;
    caller->until_s = until_s;
    return caller;
}

ChCaller *ch_caller_ref(ChCaller *caller)
{
    atomic_fetch_add(&caller->references, 1);
    return caller;
}

void ch_caller_unref(ChCaller *caller)
{
    if (caller == NULL || atomic_fetch_sub(&caller->references, 1) > 1)
        return;
    g_free(caller->subject);
    g_free(caller->owner);
    g_free(caller);
}
