/* A line of an import of dead letters. What is taken is written as an export writes it, and read
 * again the same. */
#include "fuzz.h"

#include "chassis/json/json.h"
#include "chassis/messaging/event.h"
#include "chassis/runtime/dead_letter_json.h"
#include "chassis/runtime/letter_transfer_json.h"

#include <string.h>

/* NULL: it is no letter, and there is a reason. */
static ChDeadLetter *read_line(const char *text, size_t bytes)
{
    ChDeadLetter *letter = NULL;
    g_autoptr(ChViolations) faults = ch_violations_new();
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, NULL);
    if (json == NULL)
        return NULL;
    ch_letter_line_read(ch_json_root(json), &letter, faults);
    g_assert_true((letter == NULL) == (ch_violations_count(faults) > 0));
    return letter;
}

static void assert_same_bytes(const char *a, size_t a_n, const char *b, size_t b_n)
{
    g_assert_cmpuint(a_n, ==, b_n);
    g_assert_true(a_n == 0 || memcmp(a, b, a_n) == 0);
}

static void assert_same(const ChDeadLetter *a, const ChDeadLetter *b)
{
    g_assert_true(ch_uuid_equal(a->id, b->id) && ch_uuid_equal(a->subject, b->subject));
    g_assert_true(ch_uuid_equal(a->replayed_as, b->replayed_as));
    g_assert_cmpstr(a->queue, ==, b->queue);
    g_assert_cmpstr(a->message_type, ==, b->message_type);
    g_assert_cmpstr(a->message_id, ==, b->message_id);
    g_assert_cmpstr(a->traceparent, ==, b->traceparent);
    g_assert_cmpstr(a->reason, ==, b->reason);
    g_assert_cmpint(a->attempts, ==, b->attempts);
    g_assert_cmpint(a->died_us, ==, b->died_us);
    g_assert_cmpint(a->body_bytes, ==, b->body_bytes);
    g_assert_cmpstr(a->body_sha256, ==, b->body_sha256);
    assert_same_bytes(a->body, a->body_read, b->body, b->body_read);
    g_assert_cmpint(a->state, ==, b->state);
    g_assert_cmpstr(a->acted_by, ==, b->acted_by);
    g_assert_cmpstr(a->acted_why, ==, b->acted_why);
    g_assert_cmpstr(a->acted_as, ==, b->acted_as);
    g_assert_cmpint(a->acted_us, ==, b->acted_us);
    g_assert_true((a->edited_body == NULL) == (b->edited_body == NULL));
    assert_same_bytes(a->edited_body, a->edited_bytes, b->edited_body, b->edited_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    size_t text_n = 0;
    g_autofree uint8_t *text = fuzz_rest(&input, &text_n);
    g_autoptr(ChDeadLetter) letter = read_line((const char *)text, text_n);
    if (letter == NULL)
        return 0;
    g_assert_cmpuint(letter->body_read, <=, CH_EVENT_MAX_BYTES);
    g_assert_cmpint((int64_t)letter->body_read, <=, letter->body_bytes);
    g_autoptr(GString) line = g_string_new(NULL);
    ch_dead_letter_line_json(line, letter);
    g_assert_null(memchr(line->str, '\n', line->len));
    g_autoptr(ChDeadLetter) again = read_line(line->str, line->len);
    g_assert_nonnull(again);
    assert_same(letter, again);
    return 0;
}
