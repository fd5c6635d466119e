/* Changes on their way from a handler to the record. */
#include "chassis/http/change.h"

#include "chassis/http/request_life.h"

static void free_text(GString *text)
{
    g_string_free(text, TRUE);
}

static void clear_change(void *opaque)
{
    ChHttpChange *change = opaque;
    g_clear_pointer(&change->before, free_text);
    g_clear_pointer(&change->after, free_text);
    g_clear_pointer(&change->why, g_free);
}

static bool is_short(const GString *json)
{
    return json == NULL || json->len <= CH_HTTP_CHANGE_MAX_BYTES;
}

void ch_http_note_change(ChHttpRequest *request, ChHttpChange change)
{
    g_assert(is_short(change.before) && is_short(change.after));
    if (request->changes == NULL) {
        request->changes = g_array_new(FALSE, FALSE, sizeof(ChHttpChange));
        g_array_set_clear_func(request->changes, clear_change);
    }
    g_array_append_val(request->changes, change);
}

const ChHttpChange *ch_http_changes(const ChHttpRequest *request, size_t *n)
{
    *n = request->changes == NULL ? 0 : request->changes->len;
    return *n == 0 ? NULL : (const ChHttpChange *)(void *)request->changes->data;
}
