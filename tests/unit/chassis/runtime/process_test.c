/* The life of a process, seen from outside: this program runs itself again as a process of ours. */
#include "chassis/runtime/process.h"
#include "chassis/runtime/settings.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the process ---- */

typedef struct {
    ChConfigCommon common;
    ChListen admin;
} ChildConfig;

static const ChConfigKey keys[] = {
    CH_CONFIG_COMMON_KEYS,
    { "ADMIN_LISTEN", CH_CONFIG_LISTEN, offsetof(ChildConfig, admin), "127.0.0.1:6001",
      "health and metrics", NULL },
};

static const ChProcess process = {
    .name = "test-child",
    .purpose = "is started by a test",
    .keys = keys,
    .keys_n = G_N_ELEMENTS(keys),
};

/* What the child does is told by the variable CHILD. */
static int run_child(const char *task, int argc, char **argv)
{
    ChildConfig config = { .admin = { .port = 0 } };
    if (strcmp(task, "stdout-closed") == 0)
        close(STDOUT_FILENO);
    int status = ch_process_init(&process, &config, argc, argv);
    if (status >= 0) {
        ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
        return status;
    }
    struct rlimit core = { 1, 1 };
    getrlimit(RLIMIT_CORE, &core);
    struct sigaction pipe_action;
    sigaction(SIGPIPE, NULL, &pipe_action);
    ch_log_info("child runs", CH_INT("core_bytes", core.rlim_cur),
                CH_INT("pipe_ignored", pipe_action.sa_handler == SIG_IGN));
    if (strcmp(task, "stdout-closed") == 0) {
        ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
        return dup(STDERR_FILENO) == STDOUT_FILENO ? 1 : 0;
    }
    g_autoptr(GError) error = NULL;
    if (strcmp(task, "fail-config") == 0)
        error = g_error_new_literal(CH_ERROR, CH_ERROR_CONFIG, "a file is wrong");
    if (strcmp(task, "fail") == 0)
        error = g_error_new_literal(CH_ERROR, CH_ERROR_UNAVAILABLE, "a server is away");
    if (error != NULL) {
        ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
        return ch_process_fail(error);
    }
    ch_process_wait();
    while (strcmp(task, "never-stops") == 0)
        pause();
    ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
    return 0;
}

/* ---- the test's side of it ---- */

typedef struct {
    GPid pid;
    int out;
    int err;
    GString *out_text;
} Child;

/* @settings: NAME=value, ended by NULL; nothing else is in the child's environment but CHILD. */
static void start(Child *child, const char *task, const char *argument, const char *const *settings)
{
    g_auto(GStrv) environment = g_get_environ();
    environment = g_environ_unsetenv(environment, "DATABASE_URL");
    environment = g_environ_setenv(environment, "CHILD", task, TRUE);
    for (; *settings != NULL; settings++) {
        g_auto(GStrv) pair = g_strsplit(*settings, "=", 2);
        environment = g_environ_setenv(environment, pair[0], pair[1], TRUE);
    }
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    char *argv[] = { self, (char *)argument, NULL };
    g_autoptr(GError) error = NULL;
    g_spawn_async_with_pipes(NULL, argv, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                             &child->pid, NULL, &child->out, &child->err, &error);
    g_assert_no_error(error);
    child->out_text = g_string_new(NULL);
}

/* Waits until the child has written @text, or ended. */
static void await(Child *child, const char *text)
{
    char bytes[4096];
    while (strstr(child->out_text->str, text) == NULL) {
        ssize_t got = read(child->out, bytes, sizeof bytes);
        g_assert_cmpint(got, >, 0);
        g_string_append_len(child->out_text, bytes, got);
    }
}

static char *read_all(int fd)
{
    GString *text = g_string_new(NULL);
    char bytes[4096];
    ssize_t got = 0;
    while ((got = read(fd, bytes, sizeof bytes)) > 0)
        g_string_append_len(text, bytes, got);
    close(fd);
    return g_string_free(text, FALSE);
}

/* Waits for the end; returns the exit status. *out and *err are new texts. */
static int finish(Child *child, char **out, char **err)
{
    g_autofree char *rest = read_all(child->out);
    g_string_append(child->out_text, rest);
    *out = g_string_free(child->out_text, FALSE);
    *err = read_all(child->err);
    int status = 0;
    g_assert_cmpint(waitpid(child->pid, &status, 0), ==, child->pid);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const char *const good[] = { "DATABASE_URL=postgresql://hush", NULL };
static const char *const nothing[] = { NULL };

static void test_help_needs_no_settings(void)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    start(&child, "run", "--help", nothing);
    g_assert_cmpint(finish(&child, &out, &err), ==, 0);
    g_assert_cmpstr(err, ==, "");
    g_assert_nonnull(strstr(out, "test-child: is started by a test\n"));
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_assert_nonnull(strstr(out, keys[i].name));
        g_assert_nonnull(strstr(out, keys[i].help));
    }
    g_assert_nonnull(strstr(out, "default: 20s"));
    g_assert_nonnull(strstr(out, "required"));
}

static void test_version(void)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    start(&child, "run", "--version", nothing);
    g_assert_cmpint(finish(&child, &out, &err), ==, 0);
    g_assert_cmpstr(out, ==, "test-child " CARTWHEEL_VERSION "\n");
}

static void test_unexpected_argument(void)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    start(&child, "run", "--port\n8080", good);
    g_assert_cmpint(finish(&child, &out, &err), ==, 2);
    g_assert_cmpstr(out, ==, "");
    g_assert_cmpstr(err, ==, "test-child: unexpected argument \"--port\\n8080\": see --help\n");
}

static void test_bad_setting_is_one_line(void)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    const char *const settings[] = { good[0], "LOG_LEVEL=loud", NULL };
    start(&child, "run", NULL, settings);
    g_assert_cmpint(finish(&child, &out, &err), ==, 2);
    g_assert_cmpstr(out, ==, "");
    g_assert_cmpstr(err, ==,
                    "test-child: LOG_LEVEL is \"loud\": expected error|warning|info|debug\n");
}

static void check_stops_on(int signal_number, const char *name)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    start(&child, "run", NULL, good);
    await(&child, "child runs");
    g_assert_cmpint(kill(child.pid, signal_number), ==, 0);
    g_assert_cmpint(finish(&child, &out, &err), ==, 0);
    g_autofree char *field = g_strdup_printf("\"message\":\"stopping\",\"signal\":\"%s\"", name);
    g_assert_nonnull(strstr(out, field));
    g_assert_nonnull(strstr(out, "\"core_bytes\":0,\"pipe_ignored\":1"));
    g_assert_null(strstr(out, "hush"));
    g_assert_cmpstr(err, ==, "");
}

static void test_stops_on_signals(void)
{
    check_stops_on(SIGTERM, "SIGTERM");
    check_stops_on(SIGINT, "SIGINT");
}

static void test_second_signal_ends_it(void)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    start(&child, "never-stops", NULL, good);
    await(&child, "child runs");
    g_assert_cmpint(kill(child.pid, SIGTERM), ==, 0);
    await(&child, "stopping");
    g_assert_cmpint(kill(child.pid, SIGINT), ==, 0);
    g_assert_cmpint(finish(&child, &out, &err), ==, 1);
    g_assert_cmpstr(err, ==, "second signal during the stop: leaving at once\n");
}

static void test_fail_tells_the_status(void)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    start(&child, "fail", NULL, good);
    g_assert_cmpint(finish(&child, &out, &err), ==, 1);
    g_assert_nonnull(strstr(out, "\"level\":\"error\""));
    g_assert_nonnull(strstr(out, "\"message\":\"giving up\",\"error\":\"a server is away\""));

    g_autofree char *out_config = NULL;
    g_autofree char *err_config = NULL;
    start(&child, "fail-config", NULL, good);
    g_assert_cmpint(finish(&child, &out_config, &err_config), ==, 2);
}

/* The log must not go into whatever is opened next: descriptor 1 is taken before that. */
static void test_closed_stdout_is_not_reused(void)
{
    Child child;
    g_autofree char *out = NULL;
    g_autofree char *err = NULL;
    start(&child, "stdout-closed", NULL, good);
    g_assert_cmpint(finish(&child, &out, &err), ==, 0);
    g_assert_cmpstr(out, ==, "");
}

/* ---- --health ---- */

typedef struct {
    int listener;
    const char *answer;
} Admin;

/* Answers one connection. */
static void *answer_once(void *data)
{
    const Admin *admin = data;
    int fd = accept4(admin->listener, NULL, NULL, SOCK_CLOEXEC);
    char request[1024] = { 0 };
    size_t n = 0;
    while (strstr(request, "\r\n\r\n") == NULL) {
        ssize_t got = recv(fd, request + n, sizeof request - 1 - n, 0);
        g_assert_cmpint(got, >, 0);
        n += (size_t)got;
    }
    g_assert_true(g_str_has_prefix(request, "GET /health/ready HTTP/1.1\r\nHost: "));
    g_assert_cmpint(send(fd, admin->answer, strlen(admin->answer), MSG_NOSIGNAL), >=, 0);
    close(fd);
    return NULL;
}

/* Runs --health against a server that gives @answer, or that is not there (NULL). */
static int health(const char *answer, char **err)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    Admin admin = { socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), answer };
    g_assert_cmpint(bind(admin.listener, (struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(getsockname(admin.listener, (struct sockaddr *)&address, &size), ==, 0);
    pthread_t thread;
    if (answer != NULL) {
        g_assert_cmpint(listen(admin.listener, 1), ==, 0);
        g_assert_cmpint(pthread_create(&thread, NULL, answer_once, &admin), ==, 0);
    }
    g_autofree char *setting =
        g_strdup_printf("ADMIN_LISTEN=127.0.0.1:%d", ntohs(address.sin_port));
    const char *const settings[] = { setting, NULL };
    Child child;
    g_autofree char *out = NULL;
    start(&child, "run", "--health", settings);
    int status = finish(&child, &out, err);
    if (answer != NULL)
        pthread_join(thread, NULL);
    close(admin.listener);
    return status;
}

static void test_health_asks_the_admin_listener(void)
{
    static const struct {
        const char *answer;
        int status;
        const char *said;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, "" },
        { "HTTP/1.1 503 Service Unavailable\r\n\r\n", 1, "reports so" },
        { "HTTP/1.1 2", 1, "does not answer" },
        { "", 1, "does not answer" },
        { NULL, 1, "does not answer" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *err = NULL;
        g_assert_cmpint(health(cases[i].answer, &err), ==, cases[i].status);
        g_assert_nonnull(strstr(err, cases[i].said));
    }
}

int main(int argc, char **argv)
{
    const char *task = g_getenv("CHILD");
    if (task != NULL)
        return run_child(task, argc, argv);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/process/help-needs-no-settings", test_help_needs_no_settings);
    g_test_add_func("/process/version", test_version);
    g_test_add_func("/process/unexpected-argument", test_unexpected_argument);
    g_test_add_func("/process/bad-setting-is-one-line", test_bad_setting_is_one_line);
    g_test_add_func("/process/stops-on-signals", test_stops_on_signals);
    g_test_add_func("/process/second-signal-ends-it", test_second_signal_ends_it);
    g_test_add_func("/process/fail-tells-the-status", test_fail_tells_the_status);
    g_test_add_func("/process/closed-stdout-is-not-reused", test_closed_stdout_is_not_reused);
    g_test_add_func("/process/health-asks-the-admin-listener", test_health_asks_the_admin_listener);
    return g_test_run();
}
