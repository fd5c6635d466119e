/* The same for every store in memory. */
#include "calls.h"

#include <string.h>

void store_calls_init(StoreCalls *calls)
{
    *calls = (StoreCalls){ .text = g_string_new(NULL) };
}

void store_calls_clear(StoreCalls *calls)
{
    g_string_free(calls->text, TRUE);
}

bool store_called(StoreCalls *calls, const char *slot, size_t n, GError **error)
{
    g_string_append_printf(calls->text, "%s(%zu) ", slot, n);
    bool due = calls->fails_at > 0 && --calls->fails_at == 0;
    if (!due && g_strcmp0(calls->failing, slot) != 0)
        return true;
    g_set_error(error, CH_ERROR, (int)calls->failure, "%s went wrong", slot);
    return false;
}
