/* The configuration reader. Input, each ended by a zero byte: the value of every variable in the
 * order of the table below, then the contents of the secret's file. */
#include "fuzz.h"
#include "sink.h"

#include "chassis/core/config.h"
#include "chassis/runtime/settings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MAX_VALUE_BYTES = 4096,
    MAX_FAULT_BYTES = 1024,
    MAX_DURATION_DAYS = 3650,
};

#define MARK "-hunter2" /* ends every secret, and never stands in a message */

typedef struct {
    ChConfigCommon common; /* LOG_LEVEL, SHUTDOWN_TIMEOUT, DATABASE_URL */
    char *text;
    char *address;
    int64_t count;
    ChListen listen;
    int queue_type;
    char *password;
} Settings;

/* The values have no fallback where one would hide what the fuzzer gave. */
/* clang-format off */
static const ChConfigKey keys[] = {
    CH_CONFIG_COMMON_KEYS,
    { "FUZZ_TEXT", CH_CONFIG_TEXT, offsetof(Settings, text), "", "any text", NULL },
    { "FUZZ_ADDRESS", CH_CONFIG_URL, offsetof(Settings, address), NULL, "an address",
      "http://|https://" },
    { "FUZZ_COUNT", CH_CONFIG_COUNT, offsetof(Settings, count), "7", "a number", NULL },
    { "FUZZ_LISTEN", CH_CONFIG_LISTEN, offsetof(Settings, listen), "127.0.0.1:0", "where", NULL },
    { "FUZZ_QUEUE_TYPE", CH_CONFIG_CHOICE, offsetof(Settings, queue_type), "quorum", "which",
      "quorum|classic" },
    { "FUZZ_PASSWORD", CH_CONFIG_SECRET, offsetof(Settings, password), "", "a password", NULL },
};
/* clang-format on */

enum {
    KEYS_N = G_N_ELEMENTS(keys),
    DATABASE_URL_AT = 2,
    TEXT_AT = 3,
    ADDRESS_AT = 4,
    PASSWORD_AT = KEYS_N - 1,
};

/* What the environment points to: setenv() would keep every value it was ever given. */
static char variables[KEYS_N][MAX_VALUE_BYTES];
static char file_variable[64];
static int secret_file = -1;

static void set_variable(size_t key, const char *value)
{
    bool secret = keys[key].kind == CH_CONFIG_SECRET && *value != '\0';
    g_snprintf(variables[key], MAX_VALUE_BYTES, "%s=%s%s", keys[key].name, value,
               secret ? MARK : "");
}

static const char *value_of(size_t key)
{
    return strchr(variables[key], '=') + 1;
}

/* The secret comes from its file when there is something in it. */
static void set_secret_file(FuzzInput *input)
{
    g_assert_cmpint(ftruncate(secret_file, 0), ==, 0);
    g_assert_cmpint(pwrite(secret_file, input->at, input->left, 0), ==, (ssize_t)input->left);
    g_snprintf(file_variable, sizeof file_variable, "FUZZ_PASSWORD_FILE=");
    if (input->left > 0)
        g_snprintf(file_variable, sizeof file_variable, "FUZZ_PASSWORD_FILE=/proc/self/fd/%d",
                   secret_file);
}

/* ---- what must hold ---- */

/* A message names its variable and what is expected, in one line, and no secret. */
/* A line for each variable that is wrong. */
static void check_fault(const GError *error)
{
    g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_autoptr(GError) fault = g_error_new_literal(CH_ERROR, CH_ERROR_CONFIG, *line);
        fuzz_assert_error(fault, CH_ERROR_CONFIG, MAX_FAULT_BYTES);
        bool named = false;
        for (size_t i = 0; i < KEYS_N; i++)
            named = named || g_str_has_prefix(*line, keys[i].name);
        g_assert_true(named);
        g_assert_nonnull(strstr(*line, "expected "));
    }
    bool elsewhere = false;
    for (size_t i = 0; i < KEYS_N; i++)
        elsewhere = elsewhere || (keys[i].kind != CH_CONFIG_SECRET && strstr(value_of(i), MARK));
    g_assert_true(elsewhere || strstr(error->message, MARK) == NULL);
}

static void check_limits(const Settings *settings)
{
    g_assert_true(settings->common.log_level >= CH_LOG_ERROR &&
                  settings->common.log_level <= CH_LOG_DEBUG);
    g_assert_true(settings->common.shutdown_timeout_ms >= 1 &&
                  settings->common.shutdown_timeout_ms <= MAX_DURATION_DAYS * INT64_C(86400000));
    g_assert_true(g_str_has_prefix(settings->common.database_url, "postgres"));
    g_assert_true(fuzz_is_printable(settings->common.database_url));
    g_assert_true(fuzz_is_printable(settings->text));
    g_assert_true(g_str_has_prefix(settings->address, "http"));
    g_assert_true(fuzz_is_printable(settings->address));
    g_assert_true(fuzz_is_printable(settings->password));
    g_assert_cmpint(settings->count, >=, 1);
    g_assert_true(settings->queue_type == 0 || settings->queue_type == 1);
    g_assert_true(*settings->listen.host != '\0' && fuzz_is_printable(settings->listen.host));
    g_assert_null(strpbrk(settings->listen.host, " /@?#\\\""));
}

static void assert_same(const Settings *a, const Settings *b)
{
    g_assert_cmpint(a->common.log_level, ==, b->common.log_level);
    g_assert_cmpint(a->common.shutdown_timeout_ms, ==, b->common.shutdown_timeout_ms);
    g_assert_cmpstr(a->text, ==, b->text);
    g_assert_cmpstr(a->address, ==, b->address);
    g_assert_cmpint(a->count, ==, b->count);
    g_assert_cmpstr(a->listen.host, ==, b->listen.host);
    g_assert_cmpint(a->listen.port, ==, b->listen.port);
    g_assert_cmpint(a->queue_type, ==, b->queue_type);
}

/* What the log says of a setting, or its default where the log is silent. NULL: it was cut. */
static const char *shown(const json_t *line, size_t key)
{
    const char *text = json_string_value(json_object_get(line, keys[key].name));
    if (text == NULL)
        return keys[key].fallback;
    return strlen(text) <= 1024 ? text : NULL;
}

/* No user and no password of the address: only *** may stand before an @. */
static void check_address_shown(const char *address)
{
    const char *at = address != NULL ? strchr(address, '@') : NULL;
    g_assert_true(at == NULL || g_str_has_prefix(strstr(address, "://"), "://***@"));
    g_assert_true(at == NULL || strchr(at + 1, '@') == NULL);
}

/* A text may be a URL, and then it may have a user and a password. */
static bool has_login(const char *text)
{
    const char *scheme_end = strstr(text, "://");
    return scheme_end != NULL && strchr(scheme_end, '@') != NULL;
}

static bool is_shown_masked(size_t key)
{
    if (keys[key].kind == CH_CONFIG_URL)
        return strpbrk(value_of(key), "@?#") != NULL;
    return keys[key].kind == CH_CONFIG_TEXT && has_login(value_of(key));
}

/* Set again to what the log shows, the process has the same settings; secrets show as ***. */
static void check_log(const Settings *settings)
{
    ch_config_log(keys, KEYS_N, settings);
    g_autofree char *written = fuzz_sink_take();
    json_t *line = json_loads(written, JSON_REJECT_DUPLICATES, NULL);
    g_assert_nonnull(line);
    check_address_shown(shown(line, ADDRESS_AT));
    if (has_login(settings->text))
        check_address_shown(shown(line, TEXT_AT));
    g_assert_cmpstr(shown(line, DATABASE_URL_AT), ==, "***");
    g_assert_true(g_strcmp0(shown(line, PASSWORD_AT), "***") == 0 || *settings->password == '\0');
    bool whole = true;
    for (size_t i = 0; i < KEYS_N && whole; i++) {
        if (keys[i].kind == CH_CONFIG_SECRET)
            continue;
        if (is_shown_masked(i))
            continue;
        whole = shown(line, i) != NULL;
        if (whole)
            set_variable(i, shown(line, i));
    }
    json_decref(line);
    Settings again = { .count = 0 };
    g_autoptr(GError) error = NULL;
    if (!whole)
        return;
    bool ok = ch_config_read(keys, KEYS_N, &again, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
    assert_same(settings, &again);
    ch_config_clear(keys, KEYS_N, &again);
}

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
    fuzz_sink_open("fuzz");
    secret_file = memfd_create("secret", MFD_CLOEXEC);
    g_assert_cmpint(secret_file, >=, 0);
    for (size_t i = 0; i < KEYS_N; i++) {
        set_variable(i, "");
        g_assert_cmpint(putenv(variables[i]), ==, 0);
    }
    g_snprintf(file_variable, sizeof file_variable, "FUZZ_PASSWORD_FILE=");
    g_assert_cmpint(putenv(file_variable), ==, 0);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    FuzzInput input = { bytes, n };
    for (size_t i = 0; i < KEYS_N; i++) {
        g_autofree char *value = fuzz_text(&input);
        set_variable(i, value);
    }
    set_secret_file(&input);
    Settings settings = { .count = 0 };
    g_autoptr(GError) error = NULL;
    if (ch_config_read(keys, KEYS_N, &settings, &error)) {
        g_assert_no_error(error);
        check_limits(&settings);
        check_log(&settings);
    } else {
        check_fault(error);
    }
    ch_config_clear(keys, KEYS_N, &settings);
    return 0;
}
