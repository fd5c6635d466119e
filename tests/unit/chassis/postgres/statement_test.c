/* Parameters as they go over the wire, byte by byte. */
#include "chassis/postgres/statement.h"

#include "chassis/core/time.h"

#include <string.h>

/* One parameter of each type. */
enum {
    UUID,
    INT,
    TEXT,
    TIME,
    SINGLES_N,
};
static const ChPgStatement singles = {
    "select $1, $2, $3, $4",
    { CH_PG_UUID, CH_PG_INT, CH_PG_TEXT, CH_PG_TIME },
};

enum {
    UUIDS,
    INTS,
    TEXTS,
    BYTES,
    DECIMALS,
    TIMES,
    ARRAYS_N,
};
static const ChPgStatement arrays = {
    "select $1, $2, $3, $4, $5, $6",
    { CH_PG_UUIDS, CH_PG_INTS, CH_PG_TEXTS, CH_PG_BYTES, CH_PG_DECIMALS, CH_PG_TIMES },
};

/* The header of an array with @length elements of the type @oid. */
#define ARRAY(has_null, oid, length) "00000001" has_null oid length "00000001"
#define NO_NULL "00000000"
#define HAS_NULL "00000001"
#define OID_UUID "00000b86"
#define OID_INT "00000014"
#define OID_TEXT "00000019"
#define OID_BYTEA "00000011"
#define OID_NUMERIC "000006a4"
#define OID_TIME "000004a0"

static const ChUuid uuid = { { 0x01, 0x92, 0xf3, 0xa4, 0xb5, 0xc6, 0x7d, 0x8e, 0x9f, 0x00, 0x11,
                               0x22, 0x33, 0x44, 0x55, 0xff } };
#define UUID_HEX "0192f3a4b5c67d8e9f001122334455ff"

static char *to_hex(const char *bytes, int n)
{
    GString *hex = g_string_new(NULL);
    for (int i = 0; i < n; i++)
        g_string_append_printf(hex, "%02x", (unsigned)(unsigned char)bytes[i]);
    return g_string_free(hex, FALSE);
}

/* Asserts the wire form of parameter @index. */
static void assert_wire(ChPgParams *params, size_t index, const char *expected)
{
    const char *values[CH_PG_MAX_PARAMS] = { NULL };
    int lengths[CH_PG_MAX_PARAMS] = { 0 };
    int n = ch_pg_params_wire(params, values, lengths);
    g_assert_cmpint((int)index, <, n);
    g_assert_nonnull(values[index]);
    g_autofree char *hex = to_hex(values[index], lengths[index]);
    g_assert_cmpstr(hex, ==, expected);
}

static void test_single_values(void)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&singles);
    ch_pg_add_uuid(params, UUID, uuid);
    ch_pg_add_int(params, INT, -2);
    ch_pg_add_text(params, TEXT, "caf\xc3\xa9");
    ch_pg_add_time(params, TIME, INT64_C(946684800) * 1000000 + 5); /* 2000-01-01 and 5 us */
    assert_wire(params, UUID, UUID_HEX);
    assert_wire(params, INT, "fffffffffffffffe");
    assert_wire(params, TEXT, "636166c3a9");
    assert_wire(params, TIME, "0000000000000005");
}

static void test_number_of_values(void)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
    const char *values[CH_PG_MAX_PARAMS];
    int lengths[CH_PG_MAX_PARAMS];
    g_assert_cmpint(ch_pg_params_wire(params, values, lengths), ==, ARRAYS_N);
    g_assert_true(ch_pg_params_statement(params) == &arrays);
}

static void test_single_nulls(void)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&singles);
    ch_pg_add_null(params, UUID);
    ch_pg_add_null(params, INT);
    ch_pg_add_text(params, TEXT, NULL);
    ch_pg_add_null(params, TIME);
    const char *values[CH_PG_MAX_PARAMS];
    int lengths[CH_PG_MAX_PARAMS];
    int n = ch_pg_params_wire(params, values, lengths);
    g_assert_cmpint(n, ==, SINGLES_N);
    for (int i = 0; i < n; i++)
        g_assert_null(values[i]);
}

static void test_empty_text_is_not_null(void)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&singles);
    ch_pg_add_uuid(params, UUID, uuid);
    ch_pg_add_int(params, INT, 0);
    ch_pg_add_text(params, TEXT, "");
    ch_pg_add_time(params, TIME, 0);
    assert_wire(params, TEXT, "");
}

static void test_empty_arrays(void)
{
    static const char *const oids[ARRAYS_N] = { OID_UUID,  OID_INT,     OID_TEXT,
                                                OID_BYTEA, OID_NUMERIC, OID_TIME };
    g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
    for (size_t i = 0; i < ARRAYS_N; i++) {
        g_autofree char *expected =
            g_strdup_printf("00000001" NO_NULL "%s" NO_NULL "00000001", oids[i]);
        assert_wire(params, i, expected);
    }
}

static void test_arrays_of_numbers(void)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
    ch_pg_add_uuid(params, UUIDS, uuid);
    ch_pg_add_uuid(params, UUIDS, (ChUuid){ { 0 } });
    ch_pg_add_int(params, INTS, INT64_MAX);
    ch_pg_add_int(params, INTS, INT64_MIN);
    ch_pg_add_int(params, INTS, 256);
    ch_pg_add_time(params, TIMES, 0); /* 1970 is 30 years before PostgreSQL's first day */
    assert_wire(params, UUIDS,
                ARRAY(NO_NULL, OID_UUID, "00000002") //
                "00000010" UUID_HEX                  //
                "00000010"
                "00000000000000000000000000000000");
    assert_wire(params, INTS,
                ARRAY(NO_NULL, OID_INT, "00000003") //
                "00000008"
                "7fffffffffffffff" //
                "00000008"
                "8000000000000000" //
                "00000008"
                "0000000000000100");
    /* -946,684,800,000,000 us */
    assert_wire(params, TIMES,
                ARRAY(NO_NULL, OID_TIME, "00000001") "00000008"
                                                     "fffca2fec4c82000");
}

static void test_arrays_of_texts_and_bytes(void)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
    ch_pg_add_text(params, TEXTS, "ab");
    ch_pg_add_text(params, TEXTS, "");
    ch_pg_add_text(params, TEXTS, NULL);
    ch_pg_add_bytes(params, BYTES, "\0\xff", 2); /* zeros are bytes as any other */
    ch_pg_add_bytes(params, BYTES, "", 0);
    ch_pg_add_bytes(params, BYTES, NULL, 0);
    assert_wire(params, TEXTS,
                ARRAY(HAS_NULL, OID_TEXT, "00000003") //
                "00000002"
                "6162"
                "00000000"
                "ffffffff");
    assert_wire(params, BYTES,
                ARRAY(HAS_NULL, OID_BYTEA, "00000003") //
                "00000002"
                "00ff"
                "00000000"
                "ffffffff");
}

static void test_nulls_in_arrays_of_any_type(void)
{
    static const char *const oids[ARRAYS_N] = { OID_UUID,  OID_INT,     OID_TEXT,
                                                OID_BYTEA, OID_NUMERIC, OID_TIME };
    g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
    for (size_t i = 0; i < ARRAYS_N; i++) {
        ch_pg_add_null(params, i);
        g_autofree char *expected = g_strdup_printf("00000001" HAS_NULL "%s"
                                                    "00000001"
                                                    "00000001"
                                                    "ffffffff",
                                                    oids[i]);
        assert_wire(params, i, expected);
    }
}

/* A numeric: digits of base 10,000, weight of the first, sign, decimals shown, digits. */
static void test_decimals(void)
{
    static const struct {
        const char *text;
        const char *wire;
    } cases[] = {
        { "0", "0000000a"
               "0001"
               "ffff"
               "0000"
               "0004"
               "0000" },
        { "1", "0000000c"
               "0002"
               "0000"
               "0000"
               "0004"
               "0001"
               "0000" },
        { "-1", "0000000c"
                "0002"
                "0000"
                "4000"
                "0004"
                "0001"
                "0000" },
        { "0.0001", "0000000a"
                    "0001"
                    "ffff"
                    "0000"
                    "0004"
                    "0001" },
        { "-0.0001", "0000000a"
                     "0001"
                     "ffff"
                     "4000"
                     "0004"
                     "0001" },
        { "0.9999", "0000000a"
                    "0001"
                    "ffff"
                    "0000"
                    "0004"
                    "270f" },
        { "12.5", "0000000c"
                  "0002"
                  "0000"
                  "0000"
                  "0004"
                  "000c"
                  "1388" },
        { "9999.9999", "0000000c"
                       "0002"
                       "0000"
                       "0000"
                       "0004"
                       "270f"
                       "270f" },
        { "10000", "0000000e"
                   "0003"
                   "0001"
                   "0000"
                   "0004"
                   "0001"
                   "0000"
                   "0000" },
        { "999999999999.9999", "00000010"
                               "0004"
                               "0002"
                               "0000"
                               "0004"
                               "270f"
                               "270f"
                               "270f"
                               "270f" },
        { "922337203685477.5807", "00000012"
                                  "0005"
                                  "0003"
                                  "0000"
                                  "0004"
                                  "039a"
                                  "0d2c"
                                  "0170"
                                  "1565"
                                  "16af" },
        { "-922337203685477.5808", "00000012"
                                   "0005"
                                   "0003"
                                   "4000"
                                   "0004"
                                   "039a"
                                   "0d2c"
                                   "0170"
                                   "1565"
                                   "16b0" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
        ChDecimal value = 0;
        g_test_message("%s", cases[i].text);
        g_assert_true(ch_decimal_parse(cases[i].text, &value));
        ch_pg_add_decimal(params, DECIMALS, value);
        g_autofree char *expected =
            g_strconcat(ARRAY(NO_NULL, OID_NUMERIC, "00000001"), cases[i].wire, NULL);
        assert_wire(params, DECIMALS, expected);
    }
}

/* Each element in its place, the count in the header, however many there are. */
static void test_long_arrays(void)
{
    enum {
        N = 100000,
        HEADER = 20,
        ELEMENT = 4 + 8
    };
    g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
    for (int64_t i = 0; i < N; i++)
        ch_pg_add_int(params, INTS, i);
    const char *values[CH_PG_MAX_PARAMS];
    int lengths[CH_PG_MAX_PARAMS];
    ch_pg_params_wire(params, values, lengths);
    g_assert_cmpint(lengths[INTS], ==, HEADER + N * ELEMENT);
    g_autofree char *length = to_hex(values[INTS] + 12, 4);
    g_assert_cmpstr(length, ==, "000186a0");
    g_autofree char *last = to_hex(values[INTS] + HEADER + (N - 1) * ELEMENT, ELEMENT);
    g_assert_cmpstr(last, ==,
                    "00000008"
                    "000000000001869f");
}

/* The wire form may be asked for more than once: a statement is sent again after it is prepared. */
static void test_wire_form_is_stable(void)
{
    g_autoptr(ChPgParams) params = ch_pg_params_new(&arrays);
    ch_pg_add_text(params, TEXTS, NULL);
    const char *expected = ARRAY(HAS_NULL, OID_TEXT, "00000001") "ffffffff";
    assert_wire(params, TEXTS, expected);
    assert_wire(params, TEXTS, expected);
}

static void test_oids(void)
{
    static const unsigned oids[CH_PG_TYPES_N] = {
        [CH_PG_UUID] = 2950,  [CH_PG_INT] = 20,        [CH_PG_TEXT] = 25,    [CH_PG_TIME] = 1184,
        [CH_PG_UUIDS] = 2951, [CH_PG_INTS] = 1016,     [CH_PG_TEXTS] = 1009, [CH_PG_BYTES] = 1001,
        [CH_PG_TIMES] = 1185, [CH_PG_DECIMALS] = 1231,
    };
    for (ChPgType type = CH_PG_NONE; type < CH_PG_TYPES_N; type++)
        g_assert_cmpuint(ch_pg_type_oid(type), ==, oids[type]);
}

static void test_statements_of_all_lengths(void)
{
    static const ChPgStatement none = { "select 1", { CH_PG_NONE } };
    static const ChPgStatement full = {
        "select 16",
        { CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT,
          CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT, CH_PG_INT },
    };
    g_assert_cmpint(ch_pg_statement_params(&none), ==, 0);
    g_assert_cmpint(ch_pg_statement_params(&singles), ==, SINGLES_N);
    g_assert_cmpint(ch_pg_statement_params(&full), ==, CH_PG_MAX_PARAMS);
    g_autoptr(ChPgParams) params = ch_pg_params_new(&none);
    g_assert_cmpint(ch_pg_params_wire(params, NULL, NULL), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/statement/wire/single-values", test_single_values);
    g_test_add_func("/statement/wire/number-of-values", test_number_of_values);
    g_test_add_func("/statement/wire/single-nulls", test_single_nulls);
    g_test_add_func("/statement/wire/empty-text-is-not-null", test_empty_text_is_not_null);
    g_test_add_func("/statement/wire/empty-arrays", test_empty_arrays);
    g_test_add_func("/statement/wire/arrays-of-numbers", test_arrays_of_numbers);
    g_test_add_func("/statement/wire/arrays-of-texts-and-bytes", test_arrays_of_texts_and_bytes);
    g_test_add_func("/statement/wire/nulls-in-arrays", test_nulls_in_arrays_of_any_type);
    g_test_add_func("/statement/wire/decimals", test_decimals);
    g_test_add_func("/statement/wire/long-arrays", test_long_arrays);
    g_test_add_func("/statement/wire/is-stable", test_wire_form_is_stable);
    g_test_add_func("/statement/oids", test_oids);
    g_test_add_func("/statement/of-all-lengths", test_statements_of_all_lengths);
    return g_test_run();
}
