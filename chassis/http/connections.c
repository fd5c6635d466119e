/* The beginnings and ends of connections, and of the requests on them. */
#include "chassis/http/connections.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/http/incoming.h"
#include "chassis/http/lane.h"
#include "chassis/http/problem.h"
#include "chassis/http/request_span.h"

#include <string.h>
#include <sys/socket.h>

CH_GAUGE(connections_gauge, "cartwheel_http_connections", "Open connections.", NULL);

/* ---- the ends of requests ---- */

static void count_request(const ChHttpIntake *intake, ChHttpRequest *request, unsigned status)
{
    ChHttpMeter *meter = ch_http_router_meter(intake->router, &request->match);
    if (meter == NULL)
        return;
    ch_http_meter_count(meter, status);
    if (!atomic_load(&request->kept)) /* how long that takes is for its client to say */
        ch_http_meter_time(meter, request->started_us);
}

static void leave(ChHttpIntake *intake)
{
    if (atomic_fetch_sub(&intake->in_flight, 1) > 1 || !atomic_load(&intake->draining))
        return;
    ch_wait_lock(&intake->drained);
    ch_wait_wake_all_locked(&intake->drained);
    ch_wait_unlock(&intake->drained);
}

/* @status: of the answer that was sent; 0: none. */
static void end_request(ChHttpIntake *intake, ChHttpConnection *on, unsigned status)
{
    ChHttpIncoming *incoming = g_steal_pointer(&on->incoming);
    ChHttpRequest *request = incoming->request;
    ch_http_deadlines_end(intake->deadlines, incoming->timed);
    count_request(intake, request, status);
    ch_log_debug("request", CH_STR("method", request->method), CH_STR("path", request->path),
                 CH_INT("status", status),
                 CH_INT("took_us", ch_time_monotonic_us() - request->started_us),
                 CH_TRACE(request->trace));
    ch_http_request_span(request, status);
    ch_http_lane_sent(request);
    ch_http_incoming_forget_body(incoming);
    if (incoming->head_read)
        leave(intake);
    ch_http_request_unref(request);
    g_free(incoming);
}

/* libmicrohttpd has no room for the head, cookies above all, which it cuts up in its pool: it
 * closes without an answer and without a word to us. The socket is still whole; a session of TLS is
 * not. */
static unsigned send_last_words(ChHttpIntake *intake, const ChHttpConnection *on)
{
    ChHttpRequest *request = on->incoming->request;
    if (on->incoming->head_read || on->tls.tls != NULL)
        return 0;
    request->trace = ch_trace_new();
    ch_http_answer_problem(&request->answer, request, &ch_http_head_too_large,
                           "The head of the request is too large.", NULL, 0);
    const GString *body = request->answer.body;
    g_autofree char *head =
        g_strdup_printf("HTTP/1.1 431 %s\r\nContent-Type: %s\r\n"
                        "X-Content-Type-Options: nosniff\r\n"
                        "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                        ch_http_head_too_large.title, request->answer.content_type, body->len);
    send(on->fd, head, strlen(head), MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
    send(on->fd, body->str, body->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(on->fd, SHUT_WR);
    ch_http_refusal_log(&intake->refusals, request, 431);
    return 431;
}

void ch_http_connections_completed(void *context, struct MHD_Connection *connection, void **slot,
                                   enum MHD_RequestTerminationCode code)
{
    ChHttpConnection *on = ch_http_connection_of(connection);
    *slot = NULL;
    if (on->incoming != NULL)
        end_request(context, on,
                    code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? on->incoming->status : 0);
}

/* ---- connections, and the beginnings of requests ---- */

static ChHttpConnection *open_connection(ChHttpIntake *intake, struct MHD_Connection *connection)
{
    ChHttpConnection *on = g_new0(ChHttpConnection, 1);
    on->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    on->peer = ch_http_address_of(
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    on->timed =
        ch_http_deadlines_open(intake->deadlines, on->fd, ch_http_address_number(&on->peer));
    ch_http_tls_begin(&on->tls, &intake->tls, connection, on->fd);
    ch_metric_add(ch_metric(&connections_gauge, NULL), 1);
    return on;
}

static void close_connection(ChHttpIntake *intake, ChHttpConnection *on)
{
    if (on->incoming != NULL)
        end_request(intake, on, send_last_words(intake, on));
    ch_http_deadlines_close(intake->deadlines, on->timed);
    ch_http_tls_end(&on->tls);
    g_free(on);
    ch_metric_add(ch_metric(&connections_gauge, NULL), -1);
    intake->more_to_do = true; /* a server that was full listens again from its next run on */
}

void ch_http_connections_changed(void *context, struct MHD_Connection *connection,
                                 void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    switch (code) {
    case MHD_CONNECTION_NOTIFY_STARTED:
        *socket_context = open_connection(context, connection);
        return;
    case MHD_CONNECTION_NOTIFY_CLOSED:
        close_connection(context, g_steal_pointer(socket_context));
        return;
    }
}

/* RFC 9112, section 3.2.2: a target may name scheme and host, which are dropped. */
static const char *origin_form(const char *target)
{
    if (g_ascii_strncasecmp(target, "http://", 7) != 0)
        return target;
    const char *path = strchr(target + 7, '/');
    return path == NULL ? "/" : path;
}

/* We read the query ourselves; libmicrohttpd would make a record of each parameter in its pool,
 * more than the pool holds for some thousand. The text is a line of its buffer. */
static void hide_query(const char *target)
{
    char *query = strchr(target, '?');
    if (query != NULL)
        query[1] = '\0';
}

void *ch_http_connections_target(void *context, const char *target,
                                 struct MHD_Connection *connection)
{
    ChHttpIntake *intake = context;
    ChHttpConnection *on = ch_http_connection_of(connection);
    int64_t now_us = ch_time_monotonic_us();
    ChHttpIncoming *incoming = g_new0(ChHttpIncoming, 1);
    incoming->request =
        ch_http_request_new(origin_form(target), now_us, now_us + intake->request_timeout_us);
    incoming->request->client = on->peer;
    incoming->timed = on->timed;
    incoming->target = target;
    incoming->target_bytes = strlen(target);
    hide_query(target);
    if (on->incoming != NULL) /* whose end was not reported */
        end_request(intake, on, 0);
    on->incoming = incoming;
    ch_http_deadlines_begin(incoming->timed, incoming->request);
    return incoming;
}
