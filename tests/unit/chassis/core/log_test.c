/* The log: what a line holds, when it leaves, and that nothing about its output ends the process.
 */
#include "chassis/core/log.h"

#include "chassis/core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    THREADS = 4,
    LINES_PER_THREAD = 300,
};

static json_t *must_parse(const char *line, size_t n)
{
    json_error_t error;
    json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        g_error("not JSON: %s: %.*s", error.text, (int)n, line);
    return root;
}

/* ---- an output that keeps each write() apart: one packet of a socket ---- */

typedef struct {
    int ends[2];
    char packet[512 * 1024];
    size_t bytes;
} Packets;

static void set_up(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p->ends), ==, 0);
    int size = 1024 * 1024;
    setsockopt(p->ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    ch_log_init("order-api", CH_LOG_INFO);
    ch_log_set_output(p->ends[1]);
}

static void tear_down(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    ch_log_set_output(STDOUT_FILENO);
    close(p->ends[0]);
    close(p->ends[1]);
}

/* The bytes of the next write(), none when there was none. */
static const char *next_write(Packets *p)
{
    ssize_t got = recv(p->ends[0], p->packet, sizeof p->packet - 1, MSG_DONTWAIT);
    p->bytes = got > 0 ? (size_t)got : 0;
    p->packet[p->bytes] = '\0';
    return p->packet;
}

/* The fields of the one line that was written. */
static json_t *next_line(Packets *p)
{
    const char *line = next_write(p);
    g_assert_cmpuint(p->bytes, >, 0);
    g_assert_true(strchr(line, '\n') == line + p->bytes - 1);
    return must_parse(line, p->bytes);
}

static void test_line_has_its_order(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    ChUuid id = { { 0 } };
    ChTrace trace = { .flags = 0 };
    g_assert_true(ch_uuid_parse("0192f3a4-b5c6-7d8e-9f00-112233445566", 36, &id));
    g_assert_true(
        ch_trace_parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", &trace));

    ch_log_info("order accepted", CH_ID("order_id", id), CH_STR("who", "x"), CH_STR("none", NULL),
                CH_INT("least", INT64_MIN), CH_INT("most", INT64_MAX), CH_INT("zero", 0),
                CH_DEC("total", -125000), CH_TRACE(trace));

    const char *line = next_write(p);
    g_assert_true(g_str_has_prefix(line, "{\"time\":\"2"));
    const char *expected =
        "Z\",\"level\":\"info\",\"process\":\"order-api\",\"message\":\"order accepted\","
        "\"order_id\":\"0192f3a4-b5c6-7d8e-9f00-112233445566\",\"who\":\"x\",\"none\":null,"
        "\"least\":-9223372036854775808,\"most\":9223372036854775807,\"zero\":0,\"total\":-12.5,"
        "\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\",\"span_id\":\"b7ad6b7169203331\"}\n";
    g_assert_cmpstr(strchr(line, 'Z'), ==, expected);
}

static void test_unset_trace_is_left_out(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = g_error_new_literal(CH_ERROR, CH_ERROR_FAILED, "say \"no\"");
    ch_log_error("it failed", CH_TRACE((ChTrace){ .flags = 0 }), CH_ERR(error));
    json_t *line = next_line(p);
    g_assert_null(json_object_get(line, "trace_id"));
    g_assert_cmpstr(json_string_value(json_object_get(line, "error")), ==, "say \"no\"");
    g_assert_cmpstr(json_string_value(json_object_get(line, "level")), ==, "error");
    json_decref(line);
}

static void test_levels(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    ch_log_init("order-api", CH_LOG_WARNING);
    ch_log_info("not written");
    ch_log_debug("not written");
    g_assert_cmpstr(next_write(p), ==, "");
    ch_log_warning("written");
    g_assert_nonnull(strstr(next_write(p), "\"level\":\"warning\""));

    ch_log_init("order-api", CH_LOG_DEBUG);
    ch_log_debug("written");
    g_assert_nonnull(strstr(next_write(p), "\"level\":\"debug\""));
}

static void test_texts_are_always_json(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    static const struct {
        const char *text;
        const char *read;
    } cases[] = {
        { "", "" },
        { "\" \\ /", "\" \\ /" },
        { "\n\r\t\b\f\x01\x1f", "\n\r\t\b\f\x01\x1f" },
        { "\x7f", "\x7f" },
        { "\xc2\x9b"
          "31m",
          "\xc2\x9b"
          "31m" }, /* C1: the terminal's CSI */
        { "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x9a",
          "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\x9a" },
        { "a\xff"
          "b",
          "a\xef\xbf\xbd"
          "b" },
        { "a\xc3", "a\xef\xbf\xbd" }, /* cut short */
        { "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },
        { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },                 /* overlong */
        { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
        { "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        ch_log_info("text", CH_STR("text", cases[i].text));
        const char *raw = next_write(p);
        for (const char *c = raw; c < raw + p->bytes - 1; c++)
            g_assert_false(g_ascii_iscntrl(*c));
        g_assert_null(strstr(raw, "\xc2\x9b"));
        json_t *line = must_parse(raw, p->bytes);
        g_assert_cmpstr(json_string_value(json_object_get(line, "text")), ==, cases[i].read);
        json_decref(line);
    }
}

static void test_every_byte_alone_is_json(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    for (int byte = 1; byte < 256; byte++) {
        const char text[] = { 'x', (char)byte, 'y', '\0' };
        ch_log_info(text, CH_STR("text", text));
        json_decref(next_line(p));
    }
}

/* Cuts a text of many times @character, shifted by @shift bytes. */
static void check_cut(Packets *p, const char *character, size_t shift)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < shift; i++)
        g_string_append_c(text, '-');
    while (text->len < 5000)
        g_string_append(text, character);
    ch_log_info("long", CH_STR("text", text->str));
    json_t *line = next_line(p);
    const char *cut = json_string_value(json_object_get(line, "text"));
    size_t width = strlen(character);
    size_t kept = shift + (1024 - shift) / width * width;
    g_assert_cmpuint(strlen(cut), ==, kept + 3);
    g_assert_cmpint(memcmp(cut, text->str, kept), ==, 0);
    g_assert_cmpstr(cut + kept, ==, "\xe2\x80\xa6");
    json_decref(line);
}

static void test_long_texts_are_cut_between_characters(Packets *p,
                                                       gconstpointer unused G_GNUC_UNUSED)
{
    for (size_t shift = 0; shift < 4; shift++) {
        check_cut(p, "x", shift);
        check_cut(p, "\xc3\xa9", shift);
        check_cut(p, "\xe2\x82\xac", shift);
        check_cut(p, "\xf0\x9f\x9a\x9a", shift);
    }
    g_autofree char *fits = g_strnfill(1024, 'x');
    ch_log_info("fits", CH_STR("text", fits));
    json_t *line = next_line(p);
    g_assert_cmpstr(json_string_value(json_object_get(line, "text")), ==, fits);
    json_decref(line);

    g_autofree char *junk = g_strnfill(3000, '\x80'); /* no boundary to find */
    ch_log_info("junk", CH_STR("text", junk));
    json_decref(next_line(p));
}

static void test_release_is_one_write(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    ch_log_hold();
    for (int i = 0; i < 500; i++)
        ch_log_info("held", CH_INT("i", i));
    g_assert_cmpstr(next_write(p), ==, "");

    ch_log_release();

    g_auto(GStrv) lines = g_strsplit(next_write(p), "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 501);
    g_assert_cmpstr(lines[500], ==, "");
    for (int i = 0; i < 500; i++) {
        json_t *line = must_parse(lines[i], strlen(lines[i]));
        g_assert_cmpint(json_integer_value(json_object_get(line, "i")), ==, i);
        json_decref(line);
    }
    g_assert_cmpstr(next_write(p), ==, "");
}

static void test_drop_forgets(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    ch_log_hold();
    ch_log_info("it did not happen");
    ch_log_drop();
    ch_log_release();
    g_assert_cmpstr(next_write(p), ==, "");
    ch_log_info("not held any more");
    g_assert_nonnull(strstr(next_write(p), "not held any more"));
}

static void test_errors_do_not_wait(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    ch_log_hold();
    ch_log_info("held");
    ch_log_error("at once");
    g_assert_nonnull(strstr(next_write(p), "at once"));
    ch_log_warning("this too");
    g_assert_nonnull(strstr(next_write(p), "this too"));
    ch_log_drop();
    g_assert_cmpstr(next_write(p), ==, "");
}

static void test_glib_messages_come_here(Packets *p, gconstpointer unused G_GNUC_UNUSED)
{
    g_log("Library", G_LOG_LEVEL_MESSAGE, "line one\nline two");
    json_t *line = next_line(p);
    g_assert_cmpstr(json_string_value(json_object_get(line, "library")), ==, "Library");
    g_assert_cmpstr(json_string_value(json_object_get(line, "text")), ==, "line one\nline two");
    json_decref(line);
}

/* ---- many threads, bad outputs ---- */

/* Reads the pipe to its end and checks that it is whole lines of JSON; returns how many. */
static int count_lines(int fd)
{
    g_autoptr(GString) all = g_string_new(NULL);
    char bytes[65536];
    ssize_t got = 0;
    while ((got = read(fd, bytes, sizeof bytes)) > 0)
        g_string_append_len(all, bytes, got);
    g_auto(GStrv) lines = g_strsplit(all->str, "\n", -1);
    int n = (int)g_strv_length(lines) - 1;
    g_assert_cmpstr(lines[n], ==, "");
    for (int i = 0; i < n; i++)
        json_decref(must_parse(lines[i], strlen(lines[i])));
    return n;
}

static void *count_lines_in_thread(void *data)
{
    return GINT_TO_POINTER(count_lines(*(int *)data));
}

/* Large lines, beyond what a pipe takes at once, some held and some not. */
static void *log_much(void *data)
{
    g_autofree char *text = g_strnfill(1024, 'x');
    for (int i = 0; i < LINES_PER_THREAD; i++) {
        if (i % 30 == 0)
            ch_log_hold();
        ch_log_info("busy", CH_STR("a", text), CH_STR("b", text), CH_INT("thread", data == NULL));
        if (i % 30 == 15)
            ch_log_release();
    }
    return NULL;
}

static int log_from_threads_into(int write_end, int read_end)
{
    ch_log_set_output(write_end);
    pthread_t reader;
    pthread_t writers[THREADS];
    g_assert_cmpint(pthread_create(&reader, NULL, count_lines_in_thread, &read_end), ==, 0);
    for (int i = 0; i < THREADS; i++)
        g_assert_cmpint(pthread_create(&writers[i], NULL, log_much, NULL), ==, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(writers[i], NULL);
    ch_log_set_output(STDOUT_FILENO);
    close(write_end);
    void *lines = NULL;
    pthread_join(reader, &lines);
    close(read_end);
    return GPOINTER_TO_INT(lines);
}

static void test_lines_of_threads_stay_whole(void)
{
    int ends[2];
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    g_assert_cmpint(log_from_threads_into(ends[1], ends[0]), ==, THREADS * LINES_PER_THREAD);
}

/* A write() to a full non-blocking pipe is short, then EAGAIN. */
static void test_nonblocking_output_loses_nothing_while_it_is_read(void)
{
    int ends[2];
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    g_assert_cmpint(fcntl(ends[1], F_SETFL, O_NONBLOCK), ==, 0);
    g_assert_cmpint(fcntl(ends[1], F_SETPIPE_SZ, 4096), >=, 0);
    g_assert_cmpint(log_from_threads_into(ends[1], ends[0]), ==, THREADS * LINES_PER_THREAD);
}

/* The stalled reader costs lines, and the first line after it stands alone all the same. */
static void test_torn_line_is_ended(void)
{
    int ends[2];
    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    g_assert_cmpint(fcntl(ends[1], F_SETPIPE_SZ, 4096), ==, 4096);
    g_autofree char *text = g_strnfill(1024, 'x');
    ch_log_set_output(ends[1]);
    ch_log_info("too long", CH_STR("a", text), CH_STR("b", text), CH_STR("c", text),
                CH_STR("d", text)); /* gives up after a second */
    char bytes[8192];
    g_assert_cmpint(read(ends[0], bytes, sizeof bytes), ==, 4096);

    ch_log_info("after");

    ch_log_set_output(STDOUT_FILENO);
    ssize_t got = 0;
    ssize_t more = 0;
    while ((more = read(ends[0], bytes + got, sizeof bytes - (size_t)got)) > 0)
        got += more;
    g_assert_cmpint(bytes[0], ==, '\n');
    json_decref(must_parse(bytes + 1, (size_t)got - 1));
    close(ends[0]);
    close(ends[1]);
}

static void test_closed_output_is_survived(void)
{
    int ends[2];
    g_assert_cmpint(pipe2(ends, O_CLOEXEC), ==, 0);
    close(ends[0]);
    ch_log_set_output(ends[1]);
    errno = ENOTDIR;
    ch_log_error("nobody reads this");
    g_assert_cmpint(errno, ==, ENOTDIR); /* the caller's errno is still the caller's */
    close(ends[1]);
    ch_log_error("there is not even a descriptor");
    g_assert_cmpint(errno, ==, ENOTDIR);
    ch_log_set_output(STDOUT_FILENO);
}

static void test_held_lines_are_bounded(void)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    ch_log_set_output(fd);
    g_autofree char *text = g_strnfill(1024, 'x');
    ch_log_hold();
    for (int i = 0; i < 6000; i++)
        ch_log_info("much", CH_STR("text", text));
    ch_log_release();
    ch_log_set_output(STDOUT_FILENO);

    off_t size = lseek(fd, 0, SEEK_END);
    g_assert_cmpint(size, >, 4 * 1024 * 1024);
    g_assert_cmpint(size, <, 4 * 1024 * 1024 + 4096);
    char tail[256] = { 0 };
    g_assert_cmpint(pread(fd, tail, sizeof tail - 1, size - 160), >, 0);
    g_assert_nonnull(strstr(tail, "\"message\":\"more was logged than is held\",\"lines_lost\":"));
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    signal(SIGPIPE, SIG_IGN); /* as every process of ours does */
    ch_log_init("test", CH_LOG_INFO);
#define ADD(path, function) g_test_add("/log/" path, Packets, NULL, set_up, function, tear_down)
    ADD("line-has-its-order", test_line_has_its_order);
    ADD("unset-trace-is-left-out", test_unset_trace_is_left_out);
    ADD("levels", test_levels);
    ADD("texts/are-always-json", test_texts_are_always_json);
    ADD("texts/every-byte-alone-is-json", test_every_byte_alone_is_json);
    ADD("texts/long-ones-are-cut-between-characters", test_long_texts_are_cut_between_characters);
    ADD("hold/release-is-one-write", test_release_is_one_write);
    ADD("hold/drop-forgets", test_drop_forgets);
    ADD("hold/errors-do-not-wait", test_errors_do_not_wait);
    ADD("glib-messages-come-here", test_glib_messages_come_here);
    g_test_add_func("/log/hold/is-bounded", test_held_lines_are_bounded);
    g_test_add_func("/log/output/lines-of-threads-stay-whole", test_lines_of_threads_stay_whole);
    g_test_add_func("/log/output/nonblocking-loses-nothing-while-it-is-read",
                    test_nonblocking_output_loses_nothing_while_it_is_read);
    g_test_add_func("/log/output/torn-line-is-ended", test_torn_line_is_ended);
    g_test_add_func("/log/output/closed-is-survived", test_closed_output_is_survived);
    return g_test_run();
}
