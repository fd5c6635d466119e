/* Configuration: every kind, every way to be wrong, and the lines that say so. */
#include "chassis/core/config.h"
#include "chassis/core/config_names.h"
#include "chassis/runtime/settings.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
    ChConfigCommon common;
    char *name;
    char *customer_url;
    int64_t batch;
    int64_t retention_ms;
    ChListen listen;
    int queue_type;
    int64_t most;
} TestConfig;

static const ChConfigKey keys[] = {
    CH_CONFIG_COMMON_KEYS,
    { "NAME", CH_CONFIG_TEXT, offsetof(TestConfig, name), "none", "what it is called", NULL },
    { "CUSTOMER_URL", CH_CONFIG_URL, offsetof(TestConfig, customer_url), "", "a web address",
      "http://|https://" },
    { "BATCH", CH_CONFIG_COUNT, offsetof(TestConfig, batch), "500", "rows at once", NULL },
    { "RETENTION", CH_CONFIG_DURATION, offsetof(TestConfig, retention_ms), "30d", "kept", NULL },
    { "LISTEN", CH_CONFIG_LISTEN, offsetof(TestConfig, listen), "127.0.0.1:5001", "where", NULL },
    { "QUEUE_TYPE", CH_CONFIG_CHOICE, offsetof(TestConfig, queue_type), "quorum", "which",
      "quorum|classic" },
    { "MOST", CH_CONFIG_LIMIT, offsetof(TestConfig, most), "7", "how many at most", NULL },
};

typedef struct {
    TestConfig config;
    char *secret_path;
} Fixture;

static void clear_environment(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *file_name = g_strconcat(keys[i].name, "_FILE", NULL);
        g_unsetenv(keys[i].name);
        g_unsetenv(file_name);
    }
}

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    clear_environment();
    g_setenv("DATABASE_URL", "postgresql://order:hush@localhost/order", TRUE);
    int fd = g_file_open_tmp("config-test-XXXXXX", &f->secret_path, NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_config_clear(keys, G_N_ELEMENTS(keys), &f->config);
    g_assert_cmpint(unlink(f->secret_path), ==, 0);
    g_free(f->secret_path);
    clear_environment();
}

static void must_read(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    bool ok = ch_config_read(keys, G_N_ELEMENTS(keys), &f->config, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

/* Reads, expects exactly this line, and leaves the config empty for the next try. */
static void must_refuse(Fixture *f, const char *line)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(ch_config_read(keys, G_N_ELEMENTS(keys), &f->config, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
    g_assert_cmpstr(error->message, ==, line);
    ch_config_clear(keys, G_N_ELEMENTS(keys), &f->config);
}

static void must_write(const char *path, const char *bytes, size_t n)
{
    g_assert_true(g_file_set_contents(path, bytes, (gssize)n, NULL));
}

static void test_defaults(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_read(f);
    g_assert_cmpint(f->config.common.log_level, ==, CH_LOG_INFO);
    g_assert_cmpint(f->config.common.shutdown_timeout_ms, ==, 20000);
    g_assert_cmpstr(f->config.name, ==, "none");
    g_assert_cmpstr(f->config.customer_url, ==, "");
    g_assert_cmpint(f->config.batch, ==, 500);
    g_assert_cmpint(f->config.retention_ms, ==, INT64_C(30) * 86400 * 1000);
    g_assert_cmpstr(f->config.listen.host, ==, "127.0.0.1");
    g_assert_cmpint(f->config.listen.port, ==, 5001);
    g_assert_cmpint(f->config.queue_type, ==, 0);
    g_assert_cmpint(f->config.most, ==, 7);
}

static void test_every_kind_is_read(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_setenv("LOG_LEVEL", "debug", TRUE);
    g_setenv("NAME", "caf\xc3\xa9 \"x\"", TRUE);
    g_setenv("BATCH", "9223372036854775807", TRUE);
    g_setenv("RETENTION", "500ms", TRUE);
    g_setenv("LISTEN", "[::1]:0", TRUE);
    g_setenv("QUEUE_TYPE", "classic", TRUE);
    g_setenv("MOST", "0", TRUE);
    must_read(f);
    g_assert_cmpint(f->config.most, ==, 0);
    g_assert_cmpint(f->config.common.log_level, ==, CH_LOG_DEBUG);
    g_assert_cmpstr(f->config.common.database_url, ==, "postgresql://order:hush@localhost/order");
    g_assert_cmpstr(f->config.name, ==, "caf\xc3\xa9 \"x\"");
    g_assert_cmpint(f->config.batch, ==, INT64_MAX);
    g_assert_cmpint(f->config.retention_ms, ==, 500);
    g_assert_cmpstr(f->config.listen.host, ==, "::1");
    g_assert_cmpint(f->config.listen.port, ==, 0);
    g_assert_cmpint(f->config.queue_type, ==, 1);
}

static void test_what_this_machine_alone_reaches(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *listen;
        bool loopback;
    } cases[] = {
        { "127.0.0.1:1", true },    { "127.9.9.9:1", true },
        { "localhost:1", true },    { "[::1]:1", true },
        { "0.0.0.0:1", false },     { "128.0.0.1:1", false },
        { "[::]:1", false },        { "[::2]:1", false },
        { "10.0.0.1:1", false },    { "[::ffff:127.0.0.1]:1", false },
        { "127.example:1", false }, { "localhost.example:1", false },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].listen);
        g_assert_true(ch_config_parse_listen(cases[i].listen, &f->config.listen));
        g_assert_true(ch_config_is_loopback(&f->config.listen) == cases[i].loopback);
    }
}

static void test_empty_counts_as_not_set(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_setenv("BATCH", "", TRUE);
    g_setenv("NAME", "", TRUE);
    must_read(f);
    g_assert_cmpint(f->config.batch, ==, 500);
    g_assert_cmpstr(f->config.name, ==, "none");
}

static void test_duration_units(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = { { "1ms", 1 },        { "20s", 20000 },         { "5m", 300000 },
                  { "24h", 86400000 }, { "90m", 5400000 },       { "30d", 2592000000 },
                  { "007s", 7000 },    { "3650d", 315360000000 } };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_setenv("RETENTION", cases[i].text, TRUE);
        must_read(f);
        g_assert_cmpint(f->config.retention_ms, ==, cases[i].ms);
        ch_config_clear(keys, G_N_ELEMENTS(keys), &f->config);
    }
}

static void refuse_each(Fixture *f, const char *name, const char *const *values, size_t n,
                        const char *expected)
{
    for (size_t i = 0; i < n; i++) {
        g_setenv(name, values[i], TRUE);
        g_autofree char *quoted = g_strescape(values[i], NULL);
        g_autofree char *line =
            g_strdup_printf("%s is \"%s\": expected %s", name, quoted, expected);
        must_refuse(f, line);
    }
    g_unsetenv(name);
}

static void test_bad_values(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const levels[] = { "loud", "INFO", "info ", "info|debug", "|" };
    refuse_each(f, "LOG_LEVEL", levels, G_N_ELEMENTS(levels), "error|warning|info|debug");

    static const char *const counts[] = {
        "0", "-1", "+1", " 1", "1 ", "1.5", "0x10", "1k", "x", "1e3", "9223372036854775808"
    };
    refuse_each(f, "BATCH", counts, G_N_ELEMENTS(counts), "a whole number, 1 or more");
    static const char *const limits[] = { "-1", "00", "1.5", "1 ", "none" };
    refuse_each(f, "MOST", limits, G_N_ELEMENTS(limits), "a whole number, or 0 for no limit");

    static const char *const durations[] = { "20",
                                             "s",
                                             "20 s",
                                             "-5s",
                                             "0s",
                                             "1.5h",
                                             "5min",
                                             "20sec",
                                             "3651d",
                                             "20s5m",
                                             "20S",
                                             "9223372036854775807d",
                                             "99999999999999999999s" };
    refuse_each(f, "RETENTION", durations, G_N_ELEMENTS(durations),
                "a duration such as 500ms, 20s, 5m, 24h or 30d");

    static const char *const listens[] = {
        "5001",       ":5001",       "localhost",  "localhost:", "::1:5001",     "[::1]",
        "[]:5001",    "[host]:5001", "host:65536", "host:-1",    "host:+1",      "host: 1",
        "ho st:5001", "host:50x",    "http://h:1", "[::1:5001",  "h\xc3\xb6st:1"
    };
    refuse_each(f, "LISTEN", listens, G_N_ELEMENTS(listens),
                "host:port such as 127.0.0.1:5001 or [::1]:5001");

    static const char *const texts[] = { "two\nlines", "tab\t", "\x7f", "\xff", "a\r" };
    refuse_each(f, "NAME", texts, G_N_ELEMENTS(texts),
                "one line of UTF-8 text without control characters");
}

static void test_long_value_is_cut_in_the_message(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *value = g_strnfill(10000, '7');
    g_autofree char *shown = g_strnfill(64, '7');
    g_setenv("BATCH", value, TRUE);
    g_autofree char *line =
        g_strdup_printf("BATCH is \"%s\": expected a whole number, 1 or more", shown);
    must_refuse(f, line);
}

static void test_long_host_is_refused(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autofree char *host = g_strnfill(256, 'h');
    g_autofree char *value = g_strconcat(host, ":1", NULL);
    g_setenv("LISTEN", value, TRUE);
    g_autoptr(GError) error = NULL;
    g_assert_false(ch_config_read(keys, G_N_ELEMENTS(keys), &f->config, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
}

static void test_all_that_is_wrong_is_named_at_once(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_unsetenv("DATABASE_URL");
    g_setenv("LOG_LEVEL", "loud", TRUE);
    g_setenv("BATCH", "0", TRUE);
    must_refuse(f, "LOG_LEVEL is \"loud\": expected error|warning|info|debug\n"
                   "DATABASE_URL is not set, nor is DATABASE_URL_FILE: "
                   "expected PostgreSQL, postgresql://role:password@host:port/database\n"
                   "BATCH is \"0\": expected a whole number, 1 or more");
}

/* The setting that @name is said to be meant for; NULL: it is left alone. */
static const char *meant_by(const char *name)
{
    g_setenv(name, "x", TRUE);
    g_autoptr(GArray) found = ch_config_misspellings(keys, G_N_ELEMENTS(keys));
    g_unsetenv(name);
    if (found->len == 0)
        return NULL;
    g_assert_cmpuint(found->len, ==, 1);
    g_assert_cmpstr(g_array_index(found, ChConfigMisspelling, 0).name, ==, name);
    return g_array_index(found, ChConfigMisspelling, 0).setting;
}

static void test_misspelt_names(Fixture *f G_GNUC_UNUSED, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *name, *meant;
    } rows[] = {
        { "LOG_LEVL", "LOG_LEVEL" },
        { "LOGLEVEL", "LOG_LEVEL" },
        { "LOG_LVEEL", "LOG_LEVEL" },
        { "log_level", "LOG_LEVEL" },
        { "LOG_LEVEL", NULL },
        { "LOG_LE", NULL },
        { "DATABSE_URI", "DATABASE_URL" },
        { "DATABASE_URL_FILE", NULL },
        { "DATABASES", NULL },
        { "SHUTDWN_TIMOUT", "SHUTDOWN_TIMEOUT" },
        { "LANGUAGES", NULL },
        { "PATHS", NULL },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_test_message("%s", rows[i].name);
        g_assert_cmpstr(meant_by(rows[i].name), ==, rows[i].meant);
    }
    g_autofree char *long_name = g_strnfill(5000, 'L');
    g_assert_null(meant_by(long_name));
}

static void test_missing_secret(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const char *line = "DATABASE_URL is not set, nor is DATABASE_URL_FILE: "
                       "expected PostgreSQL, postgresql://role:password@host:port/database";
    g_unsetenv("DATABASE_URL");
    must_refuse(f, line);
    g_setenv("DATABASE_URL", "", TRUE);
    must_refuse(f, line);
}

static void test_bad_secret_is_not_shown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_setenv("DATABASE_URL", "hush\nhush", TRUE);
    must_refuse(f, "DATABASE_URL is wrong: "
                   "expected one line of UTF-8 text without control characters");
}

static void test_address_begins_with_its_scheme(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { "nonsense", "http://hush", "postgresql:/hush",
                                       "postgresql://" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_setenv("DATABASE_URL", bad[i], TRUE);
        must_refuse(f, "DATABASE_URL is wrong: "
                       "expected PostgreSQL, postgresql://role:password@host:port/database");
    }
}

static void test_secret_from_a_file(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const contents[] = { "postgres://hush", "postgres://hush\n",
                                            "postgres://hush\r\n" };
    g_unsetenv("DATABASE_URL");
    g_setenv("DATABASE_URL_FILE", f->secret_path, TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(contents); i++) {
        must_write(f->secret_path, contents[i], strlen(contents[i]));
        must_read(f);
        g_assert_cmpstr(f->config.common.database_url, ==, "postgres://hush");
        ch_config_clear(keys, G_N_ELEMENTS(keys), &f->config);
        g_assert_null(f->config.common.database_url);
    }
}

static void test_bad_secret_files(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    const char *bad_file = "DATABASE_URL_FILE names a bad file: "
                           "expected one line of text in it, less than 64 KiB";
    g_unsetenv("DATABASE_URL");
    g_setenv("DATABASE_URL_FILE", f->secret_path, TRUE);
    must_refuse(f, bad_file); /* empty */
    must_write(f->secret_path, "\n", 1);
    must_refuse(f, bad_file);
    must_write(f->secret_path, "hu\0sh", 5);
    must_refuse(f, bad_file);
    g_autofree char *large = g_strnfill(100000, 'x');
    must_write(f->secret_path, large, 100000);
    must_refuse(f, bad_file);
    must_write(f->secret_path, "one\ntwo\n", 8);
    must_refuse(f, "DATABASE_URL is wrong: "
                   "expected one line of UTF-8 text without control characters");
    g_setenv("DATABASE_URL_FILE", "/nonexistent/secret", TRUE);
    must_refuse(f, "DATABASE_URL_FILE is \"/nonexistent/secret\": "
                   "expected a readable file (No such file or directory)");
    g_setenv("DATABASE_URL_FILE", "/", TRUE);
    must_refuse(f, "DATABASE_URL_FILE is \"/\": expected a readable file (Is a directory)");
}

static void test_both_ways_are_refused(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_setenv("DATABASE_URL_FILE", f->secret_path, TRUE);
    must_refuse(f, "DATABASE_URL and DATABASE_URL_FILE are both set: expected only one");
}

static void test_only_secrets_come_from_files(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_setenv("NAME_FILE", f->secret_path, TRUE);
    must_read(f);
    g_assert_cmpstr(f->config.name, ==, "none");
}

static void test_urls_are_checked_and_not_shown(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const bad[] = { "hush",
                                       "ftp://hush",
                                       "http://",
                                       "http://u:hu@sh@host",
                                       "http://u:hu%sh@host",
                                       "http://u:1/hush@host" };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_setenv("CUSTOMER_URL", bad[i], TRUE);
        must_refuse(f, "CUSTOMER_URL is wrong: expected a web address");
    }
    g_setenv("CUSTOMER_URL", "http://u:hush@host/base", TRUE);
    must_read(f);
    g_assert_cmpstr(f->config.customer_url, ==, "http://u:hush@host/base");
}

static void test_a_url_may_come_from_a_file(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    must_write(f->secret_path, "http://u:hush@host\n", 19);
    g_setenv("CUSTOMER_URL_FILE", f->secret_path, TRUE);
    must_read(f);
    g_assert_cmpstr(f->config.customer_url, ==, "http://u:hush@host");
}

/* What ch_config_log() writes about the settings of now. */
static char *logged(Fixture *f)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    must_read(f);
    ch_log_set_output(fd);
    ch_config_log(keys, G_N_ELEMENTS(keys), &f->config);
    ch_log_set_output(STDOUT_FILENO);
    char *text = g_malloc0(4096);
    g_assert_cmpint(pread(fd, text, 4095, 0), >, 0);
    close(fd);
    return text;
}

static void test_log_shows_what_differs(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_setenv("RETENTION", "1440m", TRUE);
    g_setenv("LISTEN", "[::]:80", TRUE);
    g_setenv("SHUTDOWN_TIMEOUT", "20000ms", TRUE); /* the default, written in another way */
    g_autofree char *text = logged(f);
    const char *tail = "\"message\":\"settings that differ from their defaults\","
                       "\"DATABASE_URL\":\"***\",\"RETENTION\":\"1d\",\"LISTEN\":\"[::]:80\"}\n";
    g_assert_true(g_str_has_suffix(text, tail));
}

static void test_log_shows_no_login_of_a_url(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_setenv("CUSTOMER_URL", "https://user:hush@host:8443/base?key=hush", TRUE);
    g_autofree char *text = logged(f);
    g_assert_nonnull(strstr(text, "\"CUSTOMER_URL\":\"https://***@host:8443/base?***\""));
    g_assert_null(strstr(text, "hush"));
}

/* A text may be a URL all the same: the name of an issuer is one. */
static void test_log_shows_no_login_of_a_text(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *given;
        const char *shown;
    } cases[] = {
        { "https://user:hush@host", "\"NAME\":\"https://***@host\"" },
        { "https://hush@@host", "\"NAME\":\"***\"" },
        { "Shop <shop@host.example>", "\"NAME\":\"Shop <shop@host.example>\"" },
        { "https://host/a", "\"NAME\":\"https://host/a\"" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_setenv("NAME", cases[i].given, TRUE);
        g_autofree char *text = logged(f);
        g_assert_nonnull(strstr(text, cases[i].shown));
        g_assert_null(strstr(text, "hush"));
        ch_config_clear(keys, G_N_ELEMENTS(keys), &f->config);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/config/" path, Fixture, NULL, set_up, function, tear_down)
    ADD("defaults", test_defaults);
    ADD("every-kind-is-read", test_every_kind_is_read);
    ADD("what-this-machine-alone-reaches", test_what_this_machine_alone_reaches);
    ADD("empty-counts-as-not-set", test_empty_counts_as_not_set);
    ADD("duration-units", test_duration_units);
    ADD("bad-values", test_bad_values);
    ADD("long-value-is-cut-in-the-message", test_long_value_is_cut_in_the_message);
    ADD("long-host-is-refused", test_long_host_is_refused);
    ADD("all-that-is-wrong-is-named-at-once", test_all_that_is_wrong_is_named_at_once);
    ADD("misspelt-names", test_misspelt_names);
    ADD("secret/missing", test_missing_secret);
    ADD("secret/bad-is-not-shown", test_bad_secret_is_not_shown);
    ADD("secret/address-begins-with-its-scheme", test_address_begins_with_its_scheme);
    ADD("secret/from-a-file", test_secret_from_a_file);
    ADD("secret/bad-files", test_bad_secret_files);
    ADD("secret/both-ways-are-refused", test_both_ways_are_refused);
    ADD("only-secrets-come-from-files", test_only_secrets_come_from_files);
    ADD("url/is-checked-and-not-shown", test_urls_are_checked_and_not_shown);
    ADD("url/may-come-from-a-file", test_a_url_may_come_from_a_file);
    ADD("log-shows-what-differs", test_log_shows_what_differs);
    ADD("log-shows-no-login-of-a-url", test_log_shows_no_login_of_a_url);
    ADD("log-shows-no-login-of-a-text", test_log_shows_no_login_of_a_text);
    return g_test_run();
}
