/* The references of a caller. */
#include "chassis/identity/caller.h"

#include <string.h>

/* The first bytes of its SHA-256. */
static uint64_t number_of(const char *subject)
{
    uint8_t digest[32];
    gsize n = sizeof digest;
    uint64_t number;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    g_checksum_update(checksum, (const guchar *)subject, (gssize)strlen(subject));
    g_checksum_get_digest(checksum, digest, &n);
    memcpy(&number, digest, sizeof number);
    return number;
}

ChCaller *ch_caller_new(const char *subject, const char *owner, uint64_t scopes, int64_t until_s)
{
    ChCaller *caller = g_new0(ChCaller, 1);
    atomic_init(&caller->references, 1);
    caller->subject = g_strdup(subject);
    caller->number = number_of(subject);
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
    g_free(caller->token_id);
    g_free(caller->roles);
    g_free(caller);
}
