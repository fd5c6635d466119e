/* A request on its way in, and the connection that it comes on: for intake.c and connections.c
 * alone. Both belong to the server's thread. */
#pragma once

#include "chassis/http/deadlines.h"
#include "chassis/http/head.h"
#include "chassis/http/tls.h"

#include <microhttpd.h>

/** One request on its way in. */
typedef struct {
    ChHttpRequest *request;
    ChHttpTimed *timed;
    const char *target; /* in libmicrohttpd's buffer, until the head is read */
    size_t target_bytes;
    bool head_read;
    ChHttpRefusal refusal;
    size_t received_bytes;
    size_t max_body_bytes;
    size_t body_bytes; /* memory of the body, counted by the intake ... */
    size_t *all_bytes; /* ... in here; NULL: none yet */
    unsigned status;   /* of the answer that was queued; 0: none */
} ChHttpIncoming;

/** Its body takes no memory any more. */
static inline void ch_http_incoming_forget_body(ChHttpIncoming *incoming)
{
    if (incoming->all_bytes != NULL)
        *incoming->all_bytes -= incoming->body_bytes;
    incoming->body_bytes = 0;
}

/** Owns the request on it: libmicrohttpd (0.9 and 1.0 alike) does not report the end of every one.
 */
typedef struct {
    int fd;
    ChHttpAddress peer;
    ChHttpTimed *timed;
    ChHttpTlsConnection tls;
    ChHttpIncoming *incoming; /* NULL between two */
} ChHttpConnection;

static inline ChHttpConnection *ch_http_connection_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}
