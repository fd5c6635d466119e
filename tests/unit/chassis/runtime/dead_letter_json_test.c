/* Dead letters as JSON: bodies of any kind. */
#include "chassis/runtime/dead_letter_json.h"

#include <string.h>

static ChDeadLetter letter_of(const char *body)
{
    return (ChDeadLetter){
        .queue = (char *)"a.queue",
        .reason = (char *)"it failed",
        .body = (char *)body,
        .body_read = strlen(body),
        .body_bytes = (int64_t)strlen(body),
    };
}

static void assert_json(const ChDeadLetter *letter, const char *blocker, const char *expected,
                        const char *missing)
{
    GString *json = ch_dead_letter_json(letter, blocker);
    g_assert_nonnull(strstr(json->str, expected));
    g_assert_null(strstr(json->str, missing));
    g_string_free(json, TRUE);
}

static void test_a_body_is_text_or_base64(void)
{
    ChDeadLetter letter = letter_of("\"\xc3\xbc\"");
    assert_json(&letter, NULL, "\"body\":\"\\\"\xc3\xbc\\\"\",\"bodyCut\":false", "bodyBase64");
    letter = letter_of("\xff\xfe");
    assert_json(&letter, NULL, "\"bodyBase64\":\"//4=\",\"bodyCut\":false", "\"body\":");
    letter = letter_of("ab\xc3"); /* cut inside a character */
    letter.body_bytes = 4;
    assert_json(&letter, NULL, "\"body\":\"ab\",\"bodyCut\":true", "bodyBase64");
    letter.body_bytes = 3; /* it ends there */
    assert_json(&letter, NULL, "\"bodyBase64\":\"YWLD\"", "\"body\":");
}

static void test_a_blocker_says_why_it_is_not_replayable(void)
{
    const ChDeadLetter letter = letter_of("{}");
    assert_json(&letter, NULL, "\"replayable\":true", "objection");
    assert_json(&letter, "it is old", "\"replayable\":false,\"objection\":\"it is old\"", "true");
}

static void test_an_act_is_shown_once_it_was_done(void)
{
    ChDeadLetter letter = letter_of("{}");
    assert_json(&letter, NULL, "\"state\":\"waiting\"", "actedBy");
    letter.state = CH_DEAD_LETTER_REPLAYED;
    letter.acted_by = (char *)"ana";
    letter.acted_why = (char *)"cured";
    assert_json(&letter, NULL,
                "\"state\":\"replayed\",\"actedBy\":\"ana\",\"actedWhy\":\"cured\",\"actedAt\":",
                "waiting");
}

static void test_what_it_is_about_and_the_hash_are_shown_where_known(void)
{
    ChDeadLetter letter = letter_of("{}");
    assert_json(&letter, NULL, "\"bodyBytes\":2,\"state\"", "subject");
    letter.subject.bytes[15] = 7;
    letter.body_sha256 = (char *)"9f86";
    assert_json(&letter, NULL, "\"subject\":\"00000000-0000-0000-0000-000000000007\",\"reason\"",
                "actedBy");
    assert_json(&letter, NULL, "\"bodyBytes\":2,\"bodySha256\":\"9f86\"", "actedBy");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/dead-letter-json/a-body-is-text-or-base64", test_a_body_is_text_or_base64);
    g_test_add_func("/dead-letter-json/a-blocker-says-why-it-is-not-replayable",
                    test_a_blocker_says_why_it_is_not_replayable);
    g_test_add_func("/dead-letter-json/an-act-is-shown-once-it-was-done",
                    test_an_act_is_shown_once_it_was_done);
    g_test_add_func("/dead-letter-json/what-it-is-about-and-the-hash-are-shown-where-known",
                    test_what_it_is_about_and_the_hash_are_shown_where_known);
    return g_test_run();
}
