/* From bytes to requests to answers. */
#include "chassis/http/intake.h"

#include "chassis/http/incoming.h"
#include "chassis/http/lane.h"
#include "chassis/http/lines.h"
#include "chassis/http/problem.h"
#include "chassis/http/query.h"

#include <string.h>

enum {
    FIRST_BODY_BYTES =
        16 * 1024, /* most bodies fit; more grows as it comes, not as it is promised */
    MAX_BODIES_BYTES = 8 * 1024 * 1024, /* 128 of the largest that most routes take, or 4,000 orders
                                         * of 20 items */
    MAX_PIECES_BYTES = 8 * 1024 * 1024, /* two of the largest: a string grows by doubling */
    FIRST_STRICT = 0x01000000,          /* libmicrohttpd 1.0 refuses malformed lines by itself */
};

CH_COUNTER(bodies_refused_total, "cartwheel_http_bodies_refused_total",
           "Requests answered 503 because too many bodies were on their way.", NULL);

/* ---- answers ---- */

static struct MHD_Response *make_response(ChHttpAnswer *answer)
{
    if (answer->body == NULL)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    size_t bytes = answer->body->len;
    char *text = g_string_free(g_steal_pointer(&answer->body), FALSE);
    return MHD_create_response_from_buffer_with_free_callback(bytes, text, g_free);
}

static void write_header(void *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

/* Queues @answer, whose body it takes. */
static enum MHD_Result send_answer(ChHttpIntake *intake, struct MHD_Connection *connection,
                                   ChHttpIncoming *incoming, ChHttpAnswer *answer, bool close)
{
    struct MHD_Response *response = make_response(answer);
    if (answer->content_type != NULL)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, answer->content_type);
    ch_http_browsers_tell(intake->origins, intake->tls.certificate != NULL, incoming->request,
                          answer, write_header, response);
    for (size_t i = 0; i < answer->headers_n; i++)
        MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    if (close || atomic_load(&intake->draining))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    incoming->status = answer->status;
    if (answer->content_type != NULL && strcmp(answer->content_type, CH_HTTP_PROBLEM_TYPE) == 0)
        ch_http_refusal_log(&intake->refusals, incoming->request, answer->status);
    enum MHD_Result queued = MHD_queue_response(connection, answer->status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result send_own(ChHttpIntake *intake, struct MHD_Connection *connection,
                                ChHttpIncoming *incoming, bool close)
{
    atomic_store(&incoming->request->state, CH_HTTP_ANSWERED);
    return send_answer(intake, connection, incoming, &incoming->request->answer, close);
}

static enum MHD_Result refuse(ChHttpIntake *intake, struct MHD_Connection *connection,
                              ChHttpIncoming *incoming)
{
    ChHttpRequest *request = incoming->request;
    const ChHttpProblem *problem = incoming->refusal.problem;
    ch_http_answer_problem(&request->answer, request, problem, incoming->refusal.detail, NULL,
                           problem->status == 503 ? ch_http_retry_after_s() : 0);
    if (problem == &ch_http_method_not_allowed) {
        g_autofree char *allow = ch_http_router_allow(intake->router, request->path);
        ch_http_respond_header(request, "Allow", allow);
    }
    return send_own(intake, connection, incoming, incoming->refusal.at_once);
}

/* ---- the body ---- */

static bool is_piece(const ChHttpIncoming *incoming)
{
    const ChHttpRoute *route = incoming->request->match.route;
    return route != NULL && (route->traits & CH_HTTP_PIECE) != 0;
}

static void drop_body(ChHttpIncoming *incoming)
{
    ch_http_incoming_forget_body(incoming);
    if (incoming->request->body != NULL)
        g_string_free(g_steal_pointer(&incoming->request->body), TRUE);
}

/* Whoever comes when all bodies together have become too large is refused; what is left of the
 * body is read and forgotten. */
static void count_body(ChHttpIntake *intake, ChHttpIncoming *incoming)
{
    size_t bytes = incoming->request->body->allocated_len;
    bool piece = is_piece(incoming);
    incoming->all_bytes = piece ? &intake->piece_bytes : &intake->body_bytes;
    *incoming->all_bytes += bytes - incoming->body_bytes;
    incoming->body_bytes = bytes;
    if (*incoming->all_bytes <= (size_t)(piece ? MAX_PIECES_BYTES : MAX_BODIES_BYTES))
        return;
    drop_body(incoming);
    ch_metric_add(ch_metric(&bodies_refused_total, NULL), 1);
    incoming->refusal =
        (ChHttpRefusal){ .problem = &ch_http_unavailable,
                         .detail = "Too many requests are being read. Try again later." };
}

static enum MHD_Result read_body(ChHttpIntake *intake, ChHttpIncoming *incoming, const char *data,
                                 size_t *data_bytes)
{
    ChHttpRequest *request = incoming->request;
    size_t bytes = *data_bytes;
    *data_bytes = 0;
    incoming->received_bytes += bytes;
    if (incoming->received_bytes > incoming->max_body_bytes) {
        drop_body(incoming);
        incoming->refusal =
            (ChHttpRefusal){ .problem = &ch_http_body_too_long, .detail = "The body is too long." };
        bool endless = incoming->received_bytes > incoming->max_body_bytes * CH_HTTP_DISCARD_BODIES;
        return endless ? MHD_NO : MHD_YES;
    }
    if (incoming->refusal.problem != NULL)
        return MHD_YES;
    if (request->body == NULL)
        request->body = g_string_sized_new(bytes);
    g_string_append_len(request->body, data, (gssize)bytes);
    count_body(intake, incoming);
    return MHD_YES;
}

/* ---- the head ---- */

typedef struct {
    ChHttpRequest *request;
    ChHttpGuard guard;
    ChHttpLines lines;
} Head;

static enum MHD_Result read_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_bytes, const char *value, size_t value_bytes)
{
    (void)kind;
    Head *head = context;
    if (value == NULL)
        value = "";
    ch_http_lines_header(&head->lines, name, name_bytes, value, value_bytes);
    value_bytes = ch_http_guard_trim(value, value_bytes);
    ch_http_guard_header(&head->guard, name, name_bytes, value, value_bytes);
    ch_http_request_add_header(head->request, name, name_bytes, value, value_bytes);
    return MHD_YES;
}

static void read_headers(struct MHD_Connection *connection, const ChHttpIncoming *incoming,
                         const char *method, const char *version, Head *head)
{
    ch_http_lines_begin(&head->lines, method, incoming->target, incoming->target_bytes, version);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, read_header, head);
    size_t head_bytes =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)->header_size;
    head->guard.bad_line =
        MHD_VERSION < FIRST_STRICT && !ch_http_lines_end(&head->lines, method + head_bytes);
}

/* What the headers say about the client, when they may. */
static void name_client(const ChHttpIntake *intake, const ChHttpConnection *on,
                        ChHttpRequest *request)
{
    request->client = ch_http_proxies_client(intake->proxies, request, &on->peer);
    ch_http_deadlines_speaks_for(on->timed, ch_http_address_number(&request->client));
}

static enum MHD_Result read_head(ChHttpIntake *intake, struct MHD_Connection *connection,
                                 ChHttpIncoming *incoming, const char *method, const char *version)
{
    ChHttpRequest *request = incoming->request;
    Head head = { .request = request };
    incoming->head_read = true;
    atomic_fetch_add(&intake->in_flight, 1);
    g_strlcpy(request->method, method, sizeof(request->method));
    read_headers(connection, incoming, method, version, &head);
    name_client(intake, ch_http_connection_of(connection), request);
    incoming->refusal =
        ch_http_head_check(intake->router, request, &head.guard, version, intake->max_body_bytes);
    if (incoming->refusal.at_once)
        return refuse(intake, connection, incoming);
    if (incoming->refusal.problem == NULL && head.guard.pages > 0 &&
        ch_http_browsers_sent_for_others(intake->origins, request))
        incoming->refusal =
            (ChHttpRefusal){ .problem = &ch_http_forbidden,
                             .detail = "Pages of this origin may change nothing here: "
                                       "CORS_ORIGINS names those that may." };
    incoming->max_body_bytes = ch_http_head_max_body(request, intake->max_body_bytes);
    int64_t length = head.guard.content_length;
    if (incoming->refusal.problem == NULL && length > 0) {
        request->body = g_string_sized_new((size_t)MIN(length, FIRST_BODY_BYTES));
        count_body(intake, incoming);
    }
    return MHD_YES;
}

/* ---- the request ---- */

void ch_http_intake_resume(ChHttpIntake *intake, ChHttpRequest *request)
{
    intake->suspended--;
    intake->more_to_do = true;
    MHD_resume_connection(request->connection);
    ch_http_request_unref(request);
}

/* Nobody will answer: do it here, back in the access callback. */
static enum MHD_Result resume_unavailable(ChHttpIntake *intake, ChHttpRequest *request)
{
    ch_http_respond_unavailable(request, "Too many requests wait. Try again later.");
    if (ch_http_request_finish(request, CH_HTTP_ANSWERED))
        ch_http_intake_resume(intake, request);
    else /* its deadline was faster */
        ch_http_request_unref(request);
    return MHD_YES;
}

/* Suspends first and hands over second: a resume that overtook the suspension would be lost. */
static enum MHD_Result queue_up(ChHttpIntake *intake, struct MHD_Connection *connection,
                                ChHttpIncoming *incoming)
{
    ChHttpRequest *request = ch_http_request_ref(incoming->request);
    request->connection = connection;
    request->resumer = intake->resumer;
    intake->suspended++;
    MHD_suspend_connection(connection);
    if (!ch_http_deadlines_wait(intake->deadlines, incoming->timed)) {
        atomic_store(&request->state, CH_HTTP_WAITING); /* all were expired: it is ours alone */
        return resume_unavailable(intake, request);
    }
    if (!ch_http_lane_push(request))
        return resume_unavailable(intake, request);
    return MHD_YES;
}

static enum MHD_Result dispatch(ChHttpIntake *intake, struct MHD_Connection *connection,
                                ChHttpIncoming *incoming)
{
    ChHttpRequest *request = incoming->request;
    if (incoming->refusal.problem != NULL)
        return refuse(intake, connection, incoming);
    if (!ch_http_query_is_known(request))
        return send_own(intake, connection, incoming, false);
    if (request->match.lane == NULL) {
        ch_http_lane_run_inline(request);
        return send_own(intake, connection, incoming, false);
    }
    unsigned retry_after_s = ch_http_retry_after_s();
    if (!ch_http_lane_admits(request, &retry_after_s)) {
        ch_http_answer_problem(&request->answer, request, &ch_http_unavailable,
                               "Too much work waits to be done. Try again later.", NULL,
                               MAX(retry_after_s, 1));
        return send_own(intake, connection, incoming, false);
    }
    return queue_up(intake, connection, incoming);
}

static enum MHD_Result send_expired(ChHttpIntake *intake, struct MHD_Connection *connection,
                                    ChHttpIncoming *incoming)
{
    ChHttpAnswer answer = { 0 }; /* the request's own is in the hands of a lane */
    ch_http_answer_problem(
        &answer, incoming->request, &ch_http_outcome_unknown,
        "The request waited too long. Its outcome is unknown: repeat it with the "
        "same Idempotency-Key.",
        NULL, ch_http_retry_after_s());
    enum MHD_Result queued = send_answer(intake, connection, incoming, &answer, false);
    ch_http_answer_clear(&answer);
    return queued;
}

enum MHD_Result ch_http_intake_access(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *data, size_t *data_bytes, void **incoming_slot)
{
    (void)path; /* decoded and cut by libmicrohttpd: the raw one came to
                   ch_http_connections_target() */
    ChHttpIntake *intake = context;
    ChHttpIncoming *incoming = *incoming_slot;
    intake->tls.moved = true;
    if (!incoming->head_read)
        return read_head(intake, connection, incoming, method, version);
    if (*data_bytes > 0)
        return read_body(intake, incoming, data, data_bytes);
    switch ((ChHttpState)atomic_load(&incoming->request->state)) {
    case CH_HTTP_READING:
        return dispatch(intake, connection, incoming);
    case CH_HTTP_ANSWERED:
        return send_answer(intake, connection, incoming, &incoming->request->answer, false);
    case CH_HTTP_EXPIRED:
        return send_expired(intake, connection, incoming);
    case CH_HTTP_WAITING: /* a resume without an outcome is our bug */
        break;
    }
    g_assert_not_reached();
}

/* ---- life ---- */

void ch_http_intake_init(ChHttpIntake *intake)
{
    ch_wait_init(&intake->drained);
}

void ch_http_intake_clear(ChHttpIntake *intake)
{
    ch_wait_clear(&intake->drained);
}

bool ch_http_intake_drain(ChHttpIntake *intake, int64_t deadline_us)
{
    ch_wait_lock(&intake->drained);
    while (atomic_load(&intake->in_flight) > 0 &&
           ch_wait_sleep_locked(&intake->drained, deadline_us))
        ;
    ch_wait_unlock(&intake->drained);
    return atomic_load(&intake->in_flight) == 0;
}
