/* UUIDs, decimals, times, trace contexts and percent-encoding: what is read and written again is
 * the same, and a second opinion agrees. Input: a choice, then the text or the bytes. */
#include "fuzz.h"

#include "chassis/core/decimal.h"
#include "chassis/core/time.h"
#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"
#include "chassis/http/percent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_UNIX_US (INT64_C(253402300800) * G_USEC_PER_SEC - 1) /* the end of the year 9999 */

static void check_uuid_text(const char *text, size_t n)
{
    ChUuid uuid = { { 0 } };
    if (!ch_uuid_parse(text, n, &uuid))
        return;
    g_assert_cmpuint(n, ==, CH_UUID_TEXT_BYTES - 1);
    g_autofree char *read = g_strndup(text, n);
    g_autofree char *lower = g_ascii_strdown(read, -1);
    char written[CH_UUID_TEXT_BYTES];
    ch_uuid_format(uuid, written);
    g_assert_cmpstr(written, ==, lower);
    g_assert_true(g_uuid_string_is_valid(read));
}

static void check_uuid_bytes(FuzzInput *input)
{
    ChUuid uuid;
    ChUuid read;
    char text[CH_UUID_TEXT_BYTES];
    fuzz_bytes(input, uuid.bytes, sizeof uuid.bytes);
    ch_uuid_format(uuid, text);
    g_assert_true(ch_uuid_parse(text, strlen(text), &read));
    g_assert_true(ch_uuid_equal(uuid, read));
    g_assert_cmpint(ch_uuid_compare(uuid, read), ==, 0);
    g_assert_true(g_uuid_string_is_valid(text));
}

static void check_decimal_value(ChDecimal value)
{
    char text[CH_DECIMAL_TEXT_BYTES];
    ChDecimal read = 0;
    ch_decimal_format(value, text);
    g_assert_true(ch_decimal_parse(text, &read));
    g_assert_cmpint(read, ==, value);
    long double theirs = strtold(text, NULL) * (long double)CH_DECIMAL_ONE;
    g_assert_true(fabsl(theirs - (long double)value) < 1.0L);
}

static void check_decimal_text(const char *text)
{
    ChDecimal value = 42;
    if (!ch_decimal_parse(text, &value)) {
        g_assert_cmpint(value, ==, 42);
        return;
    }
    char *end = NULL;
    long double theirs = strtold(text, &end) * (long double)CH_DECIMAL_ONE;
    g_assert_cmpint(*end, ==, '\0');
    g_assert_true(fabsl(theirs - (long double)value) < 2.0L);
    check_decimal_value(value);
}

static void check_arithmetic(FuzzInput *input)
{
    ChDecimal a = (ChDecimal)fuzz_u64(input);
    int64_t b = (int64_t)fuzz_u64(input);
    ChDecimal result = 42;
    __int128 product = (__int128)a * b;
    bool fits = product == (int64_t)product;
    g_assert_true(ch_decimal_multiply(a, b, &result) == fits);
    g_assert_true(result == (fits ? (int64_t)product : 42));
    __int128 sum = (__int128)a + b;
    fits = sum == (int64_t)sum;
    result = 42;
    g_assert_true(ch_decimal_add(a, b, &result) == fits);
    g_assert_true(result == (fits ? (int64_t)sum : 42));
}

static void check_time_value(int64_t unix_us)
{
    char text[CH_TIME_TEXT_BYTES];
    int64_t read = 0;
    ch_time_format(unix_us, text);
    g_assert_true(ch_time_parse(text, strlen(text), &read));
    g_assert_cmpint(read, ==, CLAMP(unix_us, 0, MAX_UNIX_US));
    g_autoptr(GDateTime) theirs = g_date_time_new_from_unix_utc(read / G_USEC_PER_SEC);
    g_autofree char *their_text = g_date_time_format(theirs, "%Y-%m-%dT%H:%M:%S");
    g_assert_true(g_str_has_prefix(text, their_text));
}

/* GLib reads ISO 8601 too, but no leap seconds and no year 0. */
static void check_time_text(const char *text, size_t n)
{
    int64_t unix_us = 0;
    if (!ch_time_parse(text, n, &unix_us))
        return;
    g_autofree char *read = g_strndup(text, n);
    g_assert_cmpuint(strlen(read), ==, n);
    if (read[17] != '6' && memcmp(read, "0000", 4) != 0) {
        g_autofree char *upper = g_ascii_strup(read, -1);
        g_autoptr(GDateTime) theirs = g_date_time_new_from_iso8601(upper, NULL);
        g_assert_nonnull(theirs);
        int64_t seconds = (unix_us - (unix_us % G_USEC_PER_SEC + G_USEC_PER_SEC) % G_USEC_PER_SEC) /
                          G_USEC_PER_SEC;
        g_assert_cmpint(g_date_time_to_unix(theirs), ==, seconds);
    }
    check_time_value(unix_us);
}

static void check_trace(const char *text)
{
    ChTrace trace = { .flags = 0 };
    ChTrace again = { .flags = 0 };
    char written[CH_TRACEPARENT_BYTES];
    if (!ch_trace_parse(text, &trace))
        return;
    g_assert_true(ch_trace_is_set(trace));
    ch_trace_format(trace, written);
    g_assert_cmpmem(text + 3, 50, written + 3, 50); /* the ids and their hyphens */
    g_assert_true(ch_trace_parse(written, &again));
    g_assert_cmpmem(trace.trace_id, 16, again.trace_id, 16);
    g_assert_cmpmem(trace.span_id, 8, again.span_id, 8);
    g_assert_cmpint(trace.flags, ==, again.flags);
    ChTrace child = ch_trace_child(trace);
    g_assert_cmpmem(trace.trace_id, 16, child.trace_id, 16);
    g_assert_cmpint(memcmp(trace.span_id, child.span_id, 8), !=, 0);
}

static void check_decoded(const char *decoded, size_t bytes)
{
    g_assert_cmpuint(strlen(decoded), ==, bytes);
    g_assert_true(fuzz_is_printable(decoded));
}

/* Decoding in place gives the same as decoding beside; what is encoded again decodes to the same.
 */
static void check_percent(const char *text, size_t n, bool plus_is_space)
{
    g_autofree char *beside = g_malloc(n + 1);
    g_autofree char *in_place = g_memdup2(text, n + 1);
    size_t bytes = 0;
    bool ok = ch_percent_decode(text, n, plus_is_space, beside, &bytes);
    g_assert_true(ch_percent_decode(in_place, n, plus_is_space, in_place, NULL) == ok);
    if (!ok)
        return;
    g_assert_cmpstr(in_place, ==, beside);
    check_decoded(beside, bytes);
    g_autofree char *encoded = g_uri_escape_string(beside, NULL, false);
    g_autofree char *again = g_malloc(strlen(encoded) + 1);
    g_assert_true(ch_percent_decode(encoded, strlen(encoded), plus_is_space, again, NULL));
    g_assert_cmpstr(again, ==, beside);
}

static void check_numbers(FuzzInput *input)
{
    FuzzInput twice = *input;
    check_arithmetic(&twice);
    int64_t value = (int64_t)fuzz_u64(input);
    check_decimal_value(value);
    check_time_value(value);
    check_time_value(value % MAX_UNIX_US);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    switch (fuzz_byte(&input) % 3) {
    case 0: {
        g_autofree char *text = fuzz_text(&input);
        size_t length = strlen(text);
        check_uuid_text(text, length);
        check_decimal_text(text);
        check_time_text(text, length);
        check_trace(text);
        check_percent(text, length, false);
        check_percent(text, length, true);
        break;
    }
    case 1:
        check_numbers(&input);
        break;
    default:
        check_uuid_bytes(&input);
    }
    return 0;
}
