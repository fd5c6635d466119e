/* Log lines. Input: how it is logged (one byte), the numbers (8 bytes), an id (16 bytes), a trace
 * id (16 bytes), then each ended by a zero byte: the message and two texts. */
#include "fuzz.h"
#include "sink.h"

#include "chassis/core/log.h"
#include "chassis/json/json.h"

#include <jansson.h>
#include <string.h>

enum {
    MAX_TEXT_BYTES = 1024,
    MAX_LINE_BYTES = 3 * 6 * MAX_TEXT_BYTES + 512, /* three texts, all of it escaped as \u00xx */
};

typedef struct {
    char *message;
    char *first;
    char *second;
    int64_t number;
    ChUuid id;
    ChTrace trace;
} Entry;

/* @text as it must be read in the log: broken bytes replaced, and cut not inside a character. */
static void assert_text(const char *text, const char *logged)
{
    g_assert_nonnull(logged);
    if (strlen(text) <= MAX_TEXT_BYTES) {
        g_autofree char *expected = g_utf8_make_valid(text, -1);
        g_assert_cmpstr(logged, ==, expected);
        return;
    }
    for (size_t n = MAX_TEXT_BYTES; n >= MAX_TEXT_BYTES - 4; n--) {
        g_autofree char *cut = g_utf8_make_valid(text, (gssize)n);
        g_autofree char *expected = g_strconcat(cut, "\xe2\x80\xa6", NULL);
        if (strcmp(logged, expected) == 0)
            return;
    }
    g_assert_not_reached();
}

static const char *member(const json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

static void check_line(const char *text, size_t bytes, const Entry *entry)
{
    g_assert_cmpuint(bytes, <=, MAX_LINE_BYTES);
    for (size_t i = 0; i < bytes; i++) /* terminals obey these */
        g_assert_true((unsigned char)text[i] >= 0x20 && text[i] != 0x7f);
    g_autoptr(GError) error = NULL;
    g_autoptr(ChJson) ours = ch_json_parse(text, bytes, &error);
    g_assert_nonnull(ours);
    g_assert_no_error(error);
    json_t *line = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    g_assert_true(json_is_object(line));
    char id[CH_UUID_TEXT_BYTES];
    ch_uuid_format(entry->id, id);
    g_assert_cmpstr(member(line, "process"), ==, "fuzz");
    g_assert_cmpstr(member(line, "id"), ==, id);
    g_assert_cmpint(json_integer_value(json_object_get(line, "number")), ==, entry->number);
    g_assert_true(json_is_number(json_object_get(line, "amount")));
    g_assert_true(json_is_null(json_object_get(line, "nothing")));
    g_assert_true((member(line, "trace_id") != NULL) == ch_trace_is_set(entry->trace));
    assert_text(entry->message, member(line, "message"));
    assert_text(entry->first, member(line, "first"));
    assert_text(entry->second, member(line, "second"));
    json_decref(line);
}

static void write_entry(const Entry *entry, ChLogLevel level)
{
    CH_LOG_WRITE(level, entry->message, CH_STR("first", entry->first),
                 CH_STR("second", entry->second), CH_INT("number", entry->number),
                 CH_DEC("amount", entry->number), CH_ID("id", entry->id), CH_STR("nothing", NULL),
                 CH_TRACE(entry->trace));
}

/* Lines of a thread that holds them: @times of them, or none when they are dropped. */
static unsigned write_held(const Entry *entry, ChLogLevel level, unsigned times, bool drop)
{
    ch_log_hold();
    for (unsigned i = 0; i < times; i++)
        write_entry(entry, level);
    if (drop)
        ch_log_drop();
    else
        ch_log_release();
    return drop && level > CH_LOG_WARNING ? 0 : times;
}

static void check_lines(const Entry *entry, unsigned expected)
{
    g_autofree char *written = fuzz_sink_take();
    unsigned n = 0;
    for (const char *line = written; *line != '\0'; n++) {
        const char *end = strchr(line, '\n');
        g_assert_nonnull(end);
        check_line(line, (size_t)(end - line), entry);
        line = end + 1;
    }
    g_assert_cmpuint(n, ==, expected);
}

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
    fuzz_sink_open("fuzz");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    uint8_t how = fuzz_byte(&input);
    ChLogLevel level = how % (CH_LOG_DEBUG + 1);
    Entry entry = { .number = (int64_t)fuzz_u64(&input), .trace = { .flags = 1 } };
    fuzz_bytes(&input, entry.id.bytes, sizeof entry.id.bytes);
    fuzz_bytes(&input, entry.trace.trace_id, sizeof entry.trace.trace_id);
    entry.message = fuzz_text(&input);
    entry.first = fuzz_text(&input);
    entry.second = fuzz_text(&input);
    unsigned expected = 1;
    if ((how & 0x80) != 0)
        expected = write_held(&entry, level, 1 + (how >> 4) % 4, (how & 0x08) != 0);
    else
        write_entry(&entry, level);
    check_lines(&entry, expected);
    g_free(entry.message);
    g_free(entry.first);
    g_free(entry.second);
    return 0;
}
