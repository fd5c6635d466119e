/* JSON lines, formatted by hand into a buffer of the thread: this is on the path of every order. */
#include "chassis/core/log.h"

#include "chassis/core/time.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_TEXT_BYTES = 1024,            /* of one text; the rest of the line is small */
    MAX_HELD_BYTES = 4 * 1024 * 1024, /* some 10,000 lines; what a batch logs beyond is counted */
    KEPT_BUFFER_BYTES = 64 * 1024,    /* a larger buffer goes back to the heap after its use */
    WRITABLE_WAIT_MS = 1000,          /* a reader that stalls longer loses lines */
};

static const char *const level_names[] = {
    [CH_LOG_ERROR] = "error",
    [CH_LOG_WARNING] = "warning",
    [CH_LOG_INFO] = "info",
    [CH_LOG_DEBUG] = "debug",
};

/* The process's one output: a log line must be possible from everywhere. */
static struct {
    const char *process; /* these three are set before threads start */
    ChLogLevel level;
    int fd;
    pthread_mutex_t mutex; /* held over the write alone: a long write() to a pipe is not atomic, and
                            * one line must not end up inside another */
    bool torn;             /* guarded by mutex: the last write ended inside a line */
} output = { "", CH_LOG_INFO, STDOUT_FILENO, PTHREAD_MUTEX_INITIALIZER, false };

/* What belongs to one thread. */
typedef struct {
    GString *line;
    GString *held;
    int64_t dropped; /* lines that did not fit into held */
    bool holding;
} Buffer;

static _Thread_local Buffer *own_buffer;
static pthread_key_t buffer_key; /* frees own_buffer when its thread ends */
static pthread_once_t buffer_key_once = PTHREAD_ONCE_INIT;

static void free_buffer(void *data)
{
    Buffer *buffer = data;
    g_string_free(buffer->line, TRUE);
    g_string_free(buffer->held, TRUE);
    g_free(buffer);
    own_buffer = NULL; /* a later destructor of this thread may log again */
}

static void make_buffer_key(void)
{
    int failure = pthread_key_create(&buffer_key, free_buffer);
    g_assert(failure == 0);
}

static Buffer *get_buffer(void)
{
    if (own_buffer == NULL) {
        pthread_once(&buffer_key_once, make_buffer_key);
        own_buffer = g_new0(Buffer, 1);
        own_buffer->line = g_string_sized_new(512);
        own_buffer->held = g_string_new(NULL);
        pthread_setspecific(buffer_key, own_buffer);
    }
    return own_buffer;
}

/* ---- writing out ---- */

/* Writes all of it, or what can be written: a log that can't be written must not end the process.
 */
static bool write_fully(const char *bytes, size_t n, size_t *written)
{
    *written = 0;
    while (*written < n) {
        ssize_t put = write(output.fd, bytes + *written, n - *written);
        if (put >= 0) {
            *written += (size_t)put;
            continue;
        }
        struct pollfd writable = { .fd = output.fd, .events = POLLOUT };
        bool again =
            errno == EINTR || (errno == EAGAIN && poll(&writable, 1, WRITABLE_WAIT_MS) > 0);
        if (!again)
            return false;
    }
    return true;
}

static void write_lines(const GString *lines)
{
    size_t written = 0;
    int saved_errno = errno; /* callers log between a failure and its strerror */
    pthread_mutex_lock(&output.mutex);
    if (!output.torn || write_fully("\n", 1, &written)) {
        bool complete = write_fully(lines->str, lines->len, &written);
        output.torn = !complete && written > 0 && lines->str[written - 1] != '\n';
    }
    pthread_mutex_unlock(&output.mutex);
    errno = saved_errno;
}

static void shrink(GString **string)
{
    if ((*string)->allocated_len > KEPT_BUFFER_BYTES) {
        g_string_free(*string, TRUE);
        *string = g_string_new(NULL);
    }
    g_string_truncate(*string, 0);
}

/* ---- formatting ---- */

/* Where @text is cut: at MAX_TEXT_BYTES or before, never inside a character. */
static size_t cut_length(const char *text, bool *cut)
{
    size_t n = strnlen(text, MAX_TEXT_BYTES + 1);
    *cut = n > MAX_TEXT_BYTES;
    if (!*cut)
        return n;
    n = MAX_TEXT_BYTES;
    while (n > MAX_TEXT_BYTES - 4 && ((unsigned char)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Appends what stands at @at, which is not plain, and returns the bytes it took of the @left.
 * Control characters (DEL and C1 too: terminals obey them) are escaped, broken UTF-8 becomes
 * U+FFFD. */
static size_t append_special(GString *line, const char *at, size_t left)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*at;
    if (c == '"' || c == '\\') {
        g_string_append_c(line, '\\');
        g_string_append_c(line, *at);
        return 1;
    }
    gunichar character = c < 0x80 ? c : g_utf8_get_char_validated(at, (gssize)left);
    if (character == (gunichar)-1 || character == (gunichar)-2) {
        g_string_append(line, "\xef\xbf\xbd");
        return 1;
    }
    size_t taken = (size_t)(g_utf8_next_char(at) - at);
    if (character < 0xa0) {
        g_string_append(line, "\\u00");
        g_string_append_c(line, digits[character >> 4]);
        g_string_append_c(line, digits[character & 15]);
    } else {
        g_string_append_len(line, at, (gssize)taken);
    }
    return taken;
}

static void append_text(GString *line, const char *text)
{
    if (text == NULL) {
        g_string_append(line, "null");
        return;
    }
    bool cut = false;
    size_t n = cut_length(text, &cut);
    g_string_append_c(line, '"');
    for (size_t i = 0; i < n;) {
        size_t run = 0;
        while (i + run < n && is_plain((unsigned char)text[i + run]))
            run++;
        g_string_append_len(line, text + i, (gssize)run);
        i += run;
        if (i < n)
            i += append_special(line, text + i, n - i);
    }
    g_string_append(line, cut ? "\xe2\x80\xa6\"" : "\""); /* an ellipsis tells that it was cut */
}

static void append_integer(GString *line, int64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        g_string_append_c(line, '-');
    g_string_append_len(line, digits + at, (gssize)(sizeof digits - at));
}

static void append_quoted(GString *line, const char *text, size_t n)
{
    g_string_append_c(line, '"');
    g_string_append_len(line, text, (gssize)n);
    g_string_append_c(line, '"');
}

/* Names are constants of ours and need no escape. */
static void append_name(GString *line, const char *name)
{
    g_string_append_len(line, ",\"", 2);
    g_string_append(line, name);
    g_string_append_len(line, "\":", 2);
}

static void append_field(GString *line, const ChLogField *field)
{
    if (field->kind == CH_LOG_FIELD_TRACE && !ch_trace_is_set(field->value.trace))
        return;
    append_name(line, field->name);
    char text[CH_UUID_TEXT_BYTES];
    switch (field->kind) {
    case CH_LOG_FIELD_TEXT:
        append_text(line, field->value.text);
        return;
    case CH_LOG_FIELD_INTEGER:
        append_integer(line, field->value.integer);
        return;
    case CH_LOG_FIELD_UUID:
        ch_uuid_format(field->value.uuid, text);
        append_quoted(line, text, CH_UUID_TEXT_BYTES - 1);
        return;
    case CH_LOG_FIELD_DECIMAL:
        ch_decimal_format(field->value.decimal, text);
        g_string_append(line, text);
        return;
    case CH_LOG_FIELD_TRACE:
        ch_trace_id_format(field->value.trace, text);
        append_quoted(line, text, CH_TRACE_ID_BYTES - 1);
        append_name(line, "span_id");
        ch_span_id_format(field->value.trace, text);
        append_quoted(line, text, CH_SPAN_ID_BYTES - 1);
        return;
    }
}

G_STATIC_ASSERT((int)CH_UUID_TEXT_BYTES >= (int)CH_DECIMAL_TEXT_BYTES);
G_STATIC_ASSERT((int)CH_UUID_TEXT_BYTES >= (int)CH_TRACE_ID_BYTES);

static void append_line(GString *line, ChLogLevel level, const char *message,
                        const ChLogField *fields)
{
    char now[CH_TIME_TEXT_BYTES];
    ch_time_format(ch_time_now_us(), now);
    g_string_append(line, "{\"time\":");
    append_quoted(line, now, CH_TIME_TEXT_BYTES - 1);
    append_name(line, "level");
    append_quoted(line, level_names[level], strlen(level_names[level]));
    append_name(line, "process");
    append_quoted(line, output.process, strlen(output.process));
    append_name(line, "message");
    append_text(line, message);
    for (; fields->name != NULL; fields++)
        append_field(line, fields);
    g_string_append_len(line, "}\n", 2);
}

/* ---- the public functions ---- */

/* GLib's own messages: criticals and warnings tell of bugs, ours or a library's. */
static void log_from_glib(const char *domain, GLogLevelFlags flags, const char *message,
                          gpointer unused G_GNUC_UNUSED)
{
    ChLogLevel level = CH_LOG_DEBUG;
    if ((flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0)
        level = CH_LOG_ERROR;
    else if ((flags & G_LOG_LEVEL_WARNING) != 0)
        level = CH_LOG_WARNING;
    else if ((flags & G_LOG_LEVEL_MESSAGE) != 0)
        level = CH_LOG_INFO;
    CH_LOG_WRITE(level, "message of a library", CH_STR("library", domain), CH_STR("text", message));
}

void ch_log_init(const char *process, ChLogLevel level)
{
    output.process = process;
    output.level = level;
    g_log_set_default_handler(log_from_glib, NULL);
}

const char *ch_log_process(void)
{
    return output.process;
}

void ch_log_set_output(int fd)
{
    output.fd = fd;
}

void ch_log_write(ChLogLevel level, const char *message, const ChLogField *fields)
{
    if (level > output.level)
        return;
    Buffer *buffer = get_buffer();
    if (!buffer->holding || level <= CH_LOG_WARNING) {
        append_line(buffer->line, level, message, fields);
        write_lines(buffer->line);
        shrink(&buffer->line);
    } else if (buffer->held->len < MAX_HELD_BYTES) {
        append_line(buffer->held, level, message, fields);
    } else {
        buffer->dropped++;
    }
}

void ch_log_hold(void)
{
    get_buffer()->holding = true;
}

void ch_log_release(void)
{
    Buffer *buffer = get_buffer();
    buffer->holding = false;
    if (buffer->dropped > 0)
        append_line(
            buffer->held, CH_LOG_WARNING, "more was logged than is held",
            (const ChLogField[]){ CH_INT("lines_lost", buffer->dropped), { .name = NULL } });
    if (buffer->held->len > 0)
        write_lines(buffer->held);
    ch_log_drop();
}

void ch_log_drop(void)
{
    Buffer *buffer = get_buffer();
    buffer->holding = false;
    buffer->dropped = 0;
    shrink(&buffer->held);
}
