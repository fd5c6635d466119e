/* Problem documents (RFC 9457): every error answer looks the same. */
#pragma once

#include "chassis/core/violations.h"
#include "chassis/http/request.h"

/** Answers with application/problem+json: type "about:blank", @title, @status, the formatted
 * detail, instance = the path, traceId. @title is a constant; NULL: the status's own phrase. */
void ch_http_respond_problem(ChHttpRequest *request, unsigned status, const char *title,
                             const char *detail_format, ...) G_GNUC_PRINTF(4, 5);

/** Answers 400 with `errors` from @violations (borrowed). */
void ch_http_respond_violations(ChHttpRequest *request, const ChViolations *violations);

/** Answers 503 with Retry-After (1 to 3 seconds, spread so that clients don't return together). */
void ch_http_respond_unavailable(ChHttpRequest *request, const char *detail);

#define CH_HTTP_PROBLEM_TYPE "application/problem+json"

/* For chassis/http, which answers where no handler does: */

typedef struct ChHttpAnswer ChHttpAnswer;

/** Fills @answer (cleared first) with a problem document about @request. @retry_after_s 0: no such
 * header. @violations may be NULL. */
void ch_http_answer_problem(ChHttpAnswer *answer, const ChHttpRequest *request, unsigned status,
                            const char *title, const char *detail, const ChViolations *violations,
                            unsigned retry_after_s);

/** 1 to 3 seconds. */
unsigned ch_http_retry_after_s(void);

/** The standard phrase of @status: "Not Found"; "Error" for those not known here. */
const char *ch_http_status_phrase(unsigned status);
