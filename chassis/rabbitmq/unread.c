/* Rejecting, and holding back, what cannot be read. */
#include "chassis/rabbitmq/unread.h"

#include "chassis/core/time.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum {
    FAREWELL_MS = 2000,       /* for all that the broker still sends */
    QUIET_MS = 250,           /* without a byte: under TLS nobody sees which were the last */
    CLOSE_MS = 1000,          /* for its end of the connection */
    BEAT_MS = 10000,          /* half of what was agreed (connection.c) */
    KEEP_MS = 20 * 60 * 1000, /* the broker waits 30 minutes for an acknowledgement */
};

/* The last frame that a broker sends on a connection: connection.close-ok. */
static const uint8_t close_ok[] = { 1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 51, AMQP_FRAME_END };

typedef struct {
    amqp_connection_state_t connection;
    int64_t since_us;
    int64_t beat_us;
} Kept;

/* The second is what it says of a header without a name, which it has read but does not copy. */
bool ch_unread_is(amqp_rpc_reply_t reply)
{
    return reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
           (reply.library_error == AMQP_STATUS_BAD_AMQP_DATA ||
            reply.library_error == AMQP_STATUS_INVALID_PARAMETER);
}

/* ---- leaving ---- */

/* The end of what was read so far. */
typedef struct {
    uint8_t bytes[sizeof close_ok];
} Tail;

static void append(Tail *tail, const uint8_t *bytes, size_t n)
{
    size_t most = sizeof tail->bytes;
    if (n >= most) {
        memcpy(tail->bytes, bytes + n - most, most);
        return;
    }
    memmove(tail->bytes, tail->bytes + n, most - n);
    memcpy(tail->bytes + most - n, bytes, n);
}

/* Reads past the library until the broker has said its last word or its end is closed (true), or is
 * silent. */
static bool drain(int fd, int quiet_ms, int64_t deadline_us)
{
    uint8_t bytes[16 * 1024];
    Tail tail = { { 0 } };
    for (;;) {
        struct pollfd readable = { .fd = fd, .events = POLLIN };
        if (ch_time_monotonic_us() >= deadline_us || poll(&readable, 1, quiet_ms) <= 0)
            return false;
        ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n <= 0)
            return true;
        append(&tail, bytes, (size_t)n);
        if (memcmp(tail.bytes, close_ok, sizeof close_ok) == 0)
            return true;
    }
}

static int64_t in_ms(int ms)
{
    return ch_time_monotonic_us() + INT64_C(1000) * ms;
}

/* The broker is asked to close the connection and not just left: it settles in order what came
 * before that, and might forget the rejection when it finds the connection gone. A socket that is
 * closed while bytes lie in it is reset, which takes what was written with it: so it is read to its
 * end. */
bool ch_unread_reject(amqp_connection_state_t connection, uint64_t tag)
{
    amqp_connection_close_t close = { .reply_code = AMQP_REPLY_SUCCESS,
                                      .reply_text = amqp_empty_bytes };
    int fd = amqp_get_sockfd(connection);
    bool ok =
        amqp_basic_reject(connection, CH_AMQP_CHANNEL, tag, 0) == AMQP_STATUS_OK &&
        amqp_send_method(connection, 0, AMQP_CONNECTION_CLOSE_METHOD, &close) == AMQP_STATUS_OK;
    if (ok) {
        drain(fd, QUIET_MS, in_ms(FAREWELL_MS));
        shutdown(fd, SHUT_WR);
        ok = drain(fd, CLOSE_MS, in_ms(CLOSE_MS));
    }
    ch_amqp_drop(connection);
    return ok;
}

/* ---- holding back ---- */

bool ch_unread_beat(amqp_connection_state_t connection)
{
    const amqp_frame_t beat = { .frame_type = AMQP_FRAME_HEARTBEAT };
    return amqp_send_frame(connection, &beat) == AMQP_STATUS_OK;
}

void ch_unread_keep(ChUnread *unread, amqp_connection_state_t connection)
{
    g_assert(ch_unread_count(unread) < CH_UNREAD_MOST);
    Kept *kept = g_new(Kept, 1);
    int64_t now_us = ch_time_monotonic_us();
    *kept = (Kept){ connection, now_us, now_us };
    g_queue_push_tail(&unread->kept, kept);
}

static void drop_kept(void *opaque)
{
    Kept *kept = opaque;
    ch_amqp_drop(kept->connection);
    g_free(kept);
}

/* False when it is lost, or has been kept for long enough. */
static bool tend(Kept *kept, int64_t now_us)
{
    if (now_us - kept->since_us >= INT64_C(1000) * KEEP_MS)
        return false;
    if (now_us - kept->beat_us < INT64_C(1000) * BEAT_MS)
        return true;
    kept->beat_us = now_us;
    return ch_unread_beat(kept->connection);
}

void ch_unread_tend(ChUnread *unread)
{
    int64_t now_us = ch_time_monotonic_us();
    for (guint left = unread->kept.length; left > 0; left--) {
        Kept *kept = g_queue_pop_head(&unread->kept);
        if (tend(kept, now_us))
            g_queue_push_tail(&unread->kept, kept);
        else
            drop_kept(kept);
    }
}

size_t ch_unread_count(const ChUnread *unread)
{
    return unread->kept.length;
}

void ch_unread_clear(ChUnread *unread)
{
    g_queue_clear_full(&unread->kept, drop_kept);
}
