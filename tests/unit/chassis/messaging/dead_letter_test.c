/* What of a decision about a replay needs no database. */
#include "chassis/messaging/dead_letter_admin.h"
#include "chassis/runtime/dead_letter_json.h"

#include <string.h>

#define ID "0192f3a4-b5c6-7d8e-9f00-112233445566"
#define GOOD "{\"EventId\":\"" ID "\",\"EventType\":\"Good\",\"Data\":{\"Number\":7}}"

enum {
    OLDEST_US = 1000
};

static const ChCommandType number_type = { "number", g_free };

static ChCommand decode(const ChEvent *event, ChViolations *violations)
{
    int64_t number;
    if (!ch_json_read_integer(event->data, "Number", CH_JSON_REQUIRED, 1, 9, &number, violations))
        return (ChCommand){ NULL, NULL };
    return (ChCommand){ &number_type, g_memdup2(&number, sizeof number) };
}

static const ChQueue queue = { "good.queue", "events", "Good", "dlq" };
static const ChSubscriptionConfig consumer = { .queue = &queue,
                                               .event_type = "Good",
                                               .decode = decode };

static ChDeadLetter letter_of(const char *body)
{
    return (ChDeadLetter){
        .queue = (char *)"good.queue",
        .reason = (char *)"it failed",
        .died_us = OLDEST_US,
        .body = (char *)body,
        .body_read = strlen(body),
        .body_bytes = (int64_t)strlen(body),
    };
}

static void assert_blocker(const ChDeadLetter *letter, const ChSubscriptionConfig *to,
                           const char *expected)
{
    ChEvent *event = NULL;
    ChCommand command = { NULL, NULL };
    g_autofree char *blocker = ch_dead_letter_read(letter, to, OLDEST_US, &event, &command);
    g_assert_nonnull(blocker);
    g_assert_nonnull(strstr(blocker, expected));
    g_assert_null(event);
    g_assert_null(command.value);
}

static void test_a_good_one_is_decoded(void)
{
    const ChDeadLetter letter = letter_of(GOOD);
    g_autoptr(ChEvent) event = NULL;
    ChCommand command = { NULL, NULL };
    g_assert_null(ch_dead_letter_read(&letter, &consumer, OLDEST_US, &event, &command));
    g_assert_cmpint(*(int64_t *)command.value, ==, 7);
    g_assert_cmpstr(event->type, ==, "Good");
    ch_command_free(command);
}

static void test_what_would_die_again(void)
{
    static const char *const bodies[][2] = {
        { "", "not an event" },
        { "{", "not an event" },
        { "{\"EventId\":\"7\",\"Data\":{}}", "EventId is no UUID" },
        { "{\"EventId\":\"" ID "\",\"EventType\":\"Other\",\"Data\":{\"Number\":7}}",
          "EventType must be Good" },
        { "{\"EventId\":\"" ID "\",\"EventType\":\"Good\",\"Data\":{\"Number\":10}}",
          "number must be at most 9" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        const ChDeadLetter letter = letter_of(bodies[i][0]);
        assert_blocker(&letter, &consumer, bodies[i][1]);
        assert_blocker(&letter, &consumer, "it would die again: ");
    }
    ChDeadLetter large = letter_of(GOOD); /* only its beginning was read */
    large.body_bytes = CH_EVENT_MAX_BYTES + 1;
    assert_blocker(&large, &consumer, "it would die again: the body has 1048577 bytes");
}

static void test_what_cannot_be_decided_here(void)
{
    ChDeadLetter letter = letter_of(GOOD);
    assert_blocker(&letter, NULL, "this service does not consume good.queue");
    letter.died_us = OLDEST_US - 1;
    assert_blocker(&letter, &consumer, "longer ago than INBOX_RETENTION");
}

static void test_an_act_is_not_repeated(void)
{
    ChDeadLetter letter = letter_of(GOOD);
    letter.acted_by = (char *)"ana";
    letter.acted_why = (char *)"cured";
    letter.acted_us = 0;
    letter.state = CH_DEAD_LETTER_REPLAYED;
    assert_blocker(&letter, &consumer,
                   "it was replayed by ana at 1970-01-01T00:00:00.000000Z: cured");
    letter.state = CH_DEAD_LETTER_DISCARDED;
    assert_blocker(&letter, &consumer, "it was discarded by ana");
}

static void assert_json(const ChDeadLetter *letter, const char *expected, const char *missing)
{
    GString *json = ch_dead_letter_json(letter, NULL);
    g_assert_nonnull(strstr(json->str, expected));
    g_assert_null(strstr(json->str, missing));
    g_string_free(json, TRUE);
}

static void test_a_body_is_text_or_base64(void)
{
    ChDeadLetter letter = letter_of("\"\xc3\xbc\"");
    assert_json(&letter, "\"body\":\"\\\"\xc3\xbc\\\"\",\"bodyCut\":false", "bodyBase64");
    letter = letter_of("\xff\xfe");
    assert_json(&letter, "\"bodyBase64\":\"//4=\",\"bodyCut\":false", "\"body\":");
    letter = letter_of("ab\xc3"); /* cut inside a character */
    letter.body_bytes = 4;
    assert_json(&letter, "\"body\":\"ab\",\"bodyCut\":true", "bodyBase64");
    letter.body_bytes = 3; /* it ends there */
    assert_json(&letter, "\"bodyBase64\":\"YWLD\"", "\"body\":");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dead-letter/a-good-one-is-decoded", test_a_good_one_is_decoded);
    g_test_add_func("/dead-letter/what-would-die-again", test_what_would_die_again);
    g_test_add_func("/dead-letter/what-cannot-be-decided-here", test_what_cannot_be_decided_here);
    g_test_add_func("/dead-letter/an-act-is-not-repeated", test_an_act_is_not_repeated);
    g_test_add_func("/dead-letter/a-body-is-text-or-base64", test_a_body_is_text_or_base64);
    return g_test_run();
}
