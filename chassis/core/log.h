/* Logging: JSON lines on standard output, a constant sentence and typed fields.
 *
 *     ch_log_info("order accepted", CH_ID("order_id", id), CH_TRACE(trace));
 *
 * ERROR: someone must act. WARNING: we help ourselves. INFO: state changed, a step of an order.
 * DEBUG: for the developer. An error is logged once, by the code that stops its travel. */
#pragma once

#include "chassis/core/decimal.h"
#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum {
    CH_LOG_ERROR,
    CH_LOG_WARNING,
    CH_LOG_INFO,
    CH_LOG_DEBUG
} ChLogLevel;

typedef struct {
    const char *name; /* NULL ends the list */
    enum {
        CH_LOG_FIELD_TEXT,
        CH_LOG_FIELD_INTEGER,
        CH_LOG_FIELD_UUID,
        CH_LOG_FIELD_DECIMAL,
        CH_LOG_FIELD_TRACE,
    } kind;
    union {
        const char *text; /* NULL is written as null; cut after 1,024 bytes */
        int64_t integer;
        ChUuid uuid;
        ChDecimal decimal;
        ChTrace trace;
    } value;
} ChLogField;

#define CH_STR(field, v) ((ChLogField){ (field), CH_LOG_FIELD_TEXT, { .text = (v) } })
#define CH_INT(field, v)                                                                           \
    ((ChLogField){ (field), CH_LOG_FIELD_INTEGER, { .integer = (int64_t)(v) } })
#define CH_ID(field, v) ((ChLogField){ (field), CH_LOG_FIELD_UUID, { .uuid = (v) } })
#define CH_DEC(field, v) ((ChLogField){ (field), CH_LOG_FIELD_DECIMAL, { .decimal = (v) } })
/** The ids of trace and span as `trace_id` and `span_id`; left out when there is none. */
#define CH_TRACE(v) ((ChLogField){ "trace_id", CH_LOG_FIELD_TRACE, { .trace = (v) } })
/** A GError's message as `error`. */
#define CH_ERR(v) ((ChLogField){ "error", CH_LOG_FIELD_TEXT, { .text = (v)->message } })

#define CH_LOG_WRITE(level, message, ...)                                                          \
    ch_log_write((level), (message),                                                               \
                 (const ChLogField[]){ __VA_ARGS__ __VA_OPT__(, ){ .name = NULL } })
#define ch_log_error(message, ...) CH_LOG_WRITE(CH_LOG_ERROR, message __VA_OPT__(, ) __VA_ARGS__)
#define ch_log_warning(message, ...)                                                               \
    CH_LOG_WRITE(CH_LOG_WARNING, message __VA_OPT__(, ) __VA_ARGS__)
#define ch_log_info(message, ...) CH_LOG_WRITE(CH_LOG_INFO, message __VA_OPT__(, ) __VA_ARGS__)
#define ch_log_debug(message, ...) CH_LOG_WRITE(CH_LOG_DEBUG, message __VA_OPT__(, ) __VA_ARGS__)

/** Sets what every line carries and which are written. Call once, before any thread starts.
 * Borrows @process (a constant such as "order-api"). Also routes GLib's own messages here. */
void ch_log_init(const char *process, ChLogLevel level);

/** The name it was given. */
const char *ch_log_process(void);

/** Writes to @fd instead of standard output: for tests. */
void ch_log_set_output(int fd);

/** Writes one line. Use the macros. Borrows everything. Any thread. */
void ch_log_write(ChLogLevel level, const char *message, const ChLogField *fields);

/** From here on this thread's INFO and DEBUG lines are kept, so that a batch writes them at once
 * and only when it committed. ERROR and WARNING lines go out at once all the same. */
void ch_log_hold(void);
/** Writes what was held with one write(). */
void ch_log_release(void);
/** Forgets what was held: it did not happen. */
void ch_log_drop(void);
