/* Publisher confirms: tags count from 1 on each channel, in the order of publishing. */
#include "chassis/rabbitmq/window.h"

#include <glib.h>
#include <string.h>

void ch_window_init(ChWindow *window, const ChMessage *messages, size_t n, uint64_t first_tag,
                    int64_t now_us, int wait_ms)
{
    int64_t wait_us = INT64_C(1000) * wait_ms;
    *window = (ChWindow){
        .messages = messages,
        .n = n,
        .outcomes = g_new0(ChPublishOutcome, n),
        .settled = g_new0(bool, n),
        .first_tag = first_tag,
        .wait_us = wait_us,
        .deadline_us = now_us + wait_us,
        .last_us = now_us + CH_WINDOW_MAX_WAITS * wait_us,
    };
    G_STATIC_ASSERT(CH_PUBLISH_CONFIRMED == 0);
}

void ch_window_clear(ChWindow *window)
{
    g_clear_pointer(&window->outcomes, g_free);
    g_clear_pointer(&window->settled, g_free);
}

static bool is_full(const ChWindow *window)
{
    return window->sent - window->n_settled >= CH_WINDOW_MESSAGES ||
           window->sent_bytes >= CH_WINDOW_BYTES;
}

const ChMessage *ch_window_next(const ChWindow *window)
{
    return window->sent == window->n || is_full(window) ? NULL : &window->messages[window->sent];
}

void ch_window_note_sent(ChWindow *window)
{
    g_assert(window->sent < window->n);
    window->sent_bytes += window->messages[window->sent].body_bytes;
    window->sent++;
}

void ch_window_settle(ChWindow *window, uint64_t tag, bool multiple, bool refused)
{
    if (tag < window->first_tag || tag >= window->first_tag + window->sent)
        return;
    size_t last = (size_t)(tag - window->first_tag);
    for (size_t i = multiple ? window->oldest : last; i <= last; i++) {
        if (window->settled[i])
            continue;
        window->settled[i] = true;
        window->n_settled++;
        window->sent_bytes -= window->messages[i].body_bytes;
        if (refused)
            window->outcomes[i] = CH_PUBLISH_REFUSED;
    }
    while (window->oldest < window->sent && window->settled[window->oldest])
        window->oldest++;
}

/* NULL is sent as nothing at all. */
static bool is_same(const char *text, const char *sent)
{
    return strcmp(text != NULL ? text : "", sent != NULL ? sent : "") == 0;
}

/* A return comes before the confirm of its message and carries no tag: find it by what it says. Of
 * those that say the same each has the same route, so that it does not matter which is found. */
void ch_window_note_return(ChWindow *window, const char *exchange, const char *routing_key,
                           const char *message_id)
{
    for (size_t i = window->oldest; i < window->sent; i++) {
        const ChMessage *message = &window->messages[i];
        if (!window->settled[i] && window->outcomes[i] == CH_PUBLISH_CONFIRMED &&
            is_same(exchange, message->exchange) && is_same(routing_key, message->routing_key) &&
            is_same(message_id, message->message_id)) {
            window->outcomes[i] = CH_PUBLISH_RETURNED;
            return;
        }
    }
}

bool ch_window_is_done(const ChWindow *window)
{
    return window->n_settled == window->n;
}

bool ch_window_is_under_way(const ChWindow *window)
{
    return window->sent > window->n_settled;
}

/* Giving up on a broker that is slow would lose what it has done, and send it all of that again: it
 * would never come to an end. */
int64_t ch_window_left_us(ChWindow *window, int64_t now_us)
{
    if (window->n_settled > window->n_settled_then) {
        window->n_settled_then = window->n_settled;
        window->deadline_us = MIN(now_us + window->wait_us, window->last_us);
    }
    return window->deadline_us - now_us;
}
