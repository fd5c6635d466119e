/* What the server's thread does with connections and requests: libmicrohttpd's callbacks. */
#pragma once

#include "chassis/core/wait.h"
#include "chassis/http/browsers.h"
#include "chassis/http/deadlines.h"
#include "chassis/http/proxies.h"
#include "chassis/http/refusal_log.h"
#include "chassis/http/router.h"
#include "chassis/http/tls.h"
#include "chassis/telemetry/metrics.h"

#include <microhttpd.h>
#include <stdatomic.h>

typedef struct {
    const ChHttpRouter *router;
    const ChHttpProxies *proxies; /* NULL: none is trusted */
    const ChHttpOrigins *origins; /* NULL: none but the API's own */
    ChHttpDeadlines *deadlines;
    ChHttpTls tls;
    size_t max_body_bytes;
    int64_t request_timeout_us;
    ChHttpResumer *resumer; /* of the server, for its requests */
    int suspended;          /* connections; the server's thread only, as the next two */
    size_t body_bytes;      /* memory of the bodies of all requests but these: */
    size_t piece_bytes;     /* of those that are pieces (CH_HTTP_PIECE) */
    ChHttpRefusalLog refusals;
    bool more_to_do;      /* since it was last set to false: MHD_run() has more to do */
    atomic_bool draining; /* answers close their connections */

    ChWait drained;        /* in_flight fell to 0 while draining */
    _Atomic int in_flight; /* requests whose head was read and whose answer is not yet written */
} ChHttpIntake;

void ch_http_intake_init(ChHttpIntake *intake);
void ch_http_intake_clear(ChHttpIntake *intake);

/** Once draining is set: waits until no request is in flight; false when @deadline_us passed. */
bool ch_http_intake_drain(ChHttpIntake *intake, int64_t deadline_us);

/** Resumes the connection of a finished request, whose reference it takes. The server's thread. */
void ch_http_intake_resume(ChHttpIntake *intake, ChHttpRequest *request);

/** For MHD_start_daemon(): takes a request and what comes of its body, and answers it. @context:
 * the intake. */
enum MHD_Result ch_http_intake_access(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *data, size_t *data_bytes, void **incoming);
