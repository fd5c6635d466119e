/* Problem documents (RFC 9457): every error answer looks the same, and is of a kind that clients
 * can tell by its type. */
#pragma once

#include "chassis/core/violations.h"
#include "chassis/http/request.h"

/** A kind of problem: a constant with all three, and a section of docs/problems.md that says the
 * same (tests/style/problems.py compares them). */
typedef struct {
    const char *name; /* the last part of its type: "stock-held" */
    unsigned status;
    const char *title;
} ChHttpProblem;

#define CH_HTTP_PROBLEM_TYPE "application/problem+json"
#define CH_HTTP_PROBLEM_URI "urn:cartwheel:problem:" /* and the name */

/* Those that any API may answer with; a service has its own beside the code that sends them. */
extern const ChHttpProblem ch_http_malformed;
extern const ChHttpProblem ch_http_invalid;
extern const ChHttpProblem ch_http_unauthorized;
extern const ChHttpProblem ch_http_forbidden;
extern const ChHttpProblem ch_http_not_found;
extern const ChHttpProblem ch_http_unknown_path;
extern const ChHttpProblem ch_http_method_not_allowed;
extern const ChHttpProblem ch_http_not_acceptable;
extern const ChHttpProblem ch_http_changed_meanwhile;
extern const ChHttpProblem ch_http_body_too_long;
extern const ChHttpProblem ch_http_target_too_long;
extern const ChHttpProblem ch_http_unsupported_media_type;
extern const ChHttpProblem ch_http_too_many_requests;
extern const ChHttpProblem ch_http_head_too_large;
extern const ChHttpProblem ch_http_failed;
extern const ChHttpProblem ch_http_unavailable;
extern const ChHttpProblem ch_http_outcome_unknown;

/** Answers with application/problem+json: what @problem says, the formatted detail, instance = the
 * path, traceId. */
void ch_http_respond_problem(ChHttpRequest *request, const ChHttpProblem *problem,
                             const char *detail_format, ...) G_GNUC_PRINTF(3, 4);

/** Answers 400 with `errors` from @violations (borrowed). */
void ch_http_respond_violations(ChHttpRequest *request, const ChViolations *violations);

/** Answers 503 with Retry-After (1 to 3 seconds, spread so that clients don't return together). */
void ch_http_respond_unavailable(ChHttpRequest *request, const char *detail);

/* For chassis/http, which answers where no handler does: */

typedef struct ChHttpAnswer ChHttpAnswer;

/** Fills @answer (cleared first) with a problem document about @request. @retry_after_s 0: no such
 * header. @violations may be NULL. */
void ch_http_answer_problem(ChHttpAnswer *answer, const ChHttpRequest *request,
                            const ChHttpProblem *problem, const char *detail,
                            const ChViolations *violations, unsigned retry_after_s);

/** 1 to 3 seconds. */
unsigned ch_http_retry_after_s(void);
