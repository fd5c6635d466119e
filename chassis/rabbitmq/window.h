/* The window of unconfirmed messages of one ch_publisher_publish(): what may be sent next, what the
 * broker has settled, and how long to wait for it. Knows no connection. Thread: the publisher's. */
#pragma once

#include "chassis/rabbitmq/message.h"

enum {
    CH_WINDOW_MESSAGES = 512,      /* under way at once; small enough for socket buffers */
    CH_WINDOW_BYTES = 1024 * 1024, /* a blocked broker stops reading: we must not block */
    CH_WINDOW_MAX_WAITS = 3, /* times as long as a wait for a confirm: the most that all take */
};

typedef struct {
    const ChMessage *messages; /* borrowed */
    size_t n;
    ChPublishOutcome *outcomes; /* n of them, owned; right for the settled ones */
    bool *settled;              /* the same: confirmed or refused */
    uint64_t first_tag;         /* of messages[0]; tags count up in the order of sending */
    size_t sent;
    size_t n_settled;
    size_t oldest;     /* every message before this one is settled */
    size_t sent_bytes; /* bodies of the unsettled ones */
    int64_t wait_us;   /* for the next confirm */
    int64_t deadline_us;
    int64_t last_us;       /* no deadline is later */
    size_t n_settled_then; /* when the deadline was set */
} ChWindow;

/** Nothing of @messages is sent yet; the first one's tag will be @first_tag. @now_us and all times
 * below are monotonic. @wait_ms: how long to wait for the next confirm. */
void ch_window_init(ChWindow *window, const ChMessage *messages, size_t n, uint64_t first_tag,
                    int64_t now_us, int wait_ms);
void ch_window_clear(ChWindow *window);

/** The next message to send; NULL when all are sent or the window is full. */
const ChMessage *ch_window_next(const ChWindow *window);

/** That message was sent. */
void ch_window_note_sent(ChWindow *window);

/** The broker has confirmed message @tag or @refused it; when @multiple, all before it too. A tag
 * of an earlier window is ignored. */
void ch_window_settle(ChWindow *window, uint64_t tag, bool multiple, bool refused);

/** The broker gave a message back: no queue takes it. Its confirm follows. @message_id: NULL or ""
 * when it has none. */
void ch_window_note_return(ChWindow *window, const char *exchange, const char *routing_key,
                           const char *message_id);

/** Every message is settled. */
bool ch_window_is_done(const ChWindow *window);

/** Some are sent and not settled: nobody knows what became of them. */
bool ch_window_is_under_way(const ChWindow *window);

/** How long to go on waiting, in microseconds; 0 or less: it has taken too long. A broker that goes
 * on confirming is slow, not gone: every confirm since the last call grants a new wait, up to
 * CH_WINDOW_MAX_WAITS of them in all. */
int64_t ch_window_left_us(ChWindow *window, int64_t now_us);
