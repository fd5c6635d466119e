/* What main() of every binary does first and last. */
#include "chassis/runtime/process.h"

#include "chassis/core/config_names.h"
#include "chassis/runtime/probe.h"
#include "chassis/runtime/route_list.h"
#include "chassis/runtime/settings.h"
#include "chassis/runtime/start_settings.h"
#include "chassis/runtime/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    GO_ON = -1,
    EXIT_CONFIG = 2,
    LARGE_BLOCK_BYTES = 128 * 1024, /* the pages of rabbitmq-c's pools count as large */
    MAX_ARENAS = 4,
};

/* LeakSanitizer reads its own process by ptrace, which needs a dumpable one. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static sigset_t stop_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    return signals;
}

/* A closed standard stream would give its number to the next socket, and log lines would be written
 * into it. */
static void keep_standard_streams(void)
{
    int fd = 0;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Memory holds passwords and customers' data: it goes to no core file and no debugger of the user.
 */
static void turn_core_dumps_off(void)
{
    const struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    if (!SANITIZED)
        prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
}

/* NULL: it has no such setting. */
static const ChConfigKey *key_named(const ChProcess *process, const char *name)
{
    for (size_t i = 0; i < process->keys_n; i++) {
        if (strcmp(process->keys[i].name, name) == 0)
            return &process->keys[i];
    }
    return NULL;
}

/* NULL: it has no admin listener. */
static const ChConfigKey *admin_key(const ChProcess *process)
{
    return key_named(process, "ADMIN_LISTEN");
}

/* A line for each setting that is wrong, and for each variable that may have been meant for one. */
static int bad_setting(const ChProcess *process, const GError *error)
{
    g_auto(GStrv) faults = g_strsplit(error->message, "\n", -1);
    for (char **fault = faults; *fault != NULL; fault++)
        fprintf(stderr, "%s: %s\n", process->name, *fault);
    g_autoptr(GArray) misspellings = ch_config_misspellings(process->keys, process->keys_n);
    for (guint i = 0; i < misspellings->len; i++) {
        const ChConfigMisspelling *it = &g_array_index(misspellings, ChConfigMisspelling, i);
        g_autofree char *quoted = g_strescape(it->name, NULL);
        fprintf(stderr, "%s: %s is no setting: did you mean %s?\n", process->name, quoted,
                it->setting);
    }
    return EXIT_CONFIG;
}

static void log_misspellings(const ChProcess *process)
{
    g_autoptr(GArray) misspellings = ch_config_misspellings(process->keys, process->keys_n);
    for (guint i = 0; i < misspellings->len; i++) {
        const ChConfigMisspelling *it = &g_array_index(misspellings, ChConfigMisspelling, i);
        ch_log_warning("a variable is no setting, though nearly one", CH_STR("variable", it->name),
                       CH_STR("setting", it->setting));
    }
}

/* What the setting @key says; "" where the process has none. */
static const char *text_of(const ChConfigKey *key, const void *config)
{
    char *const *field = key == NULL ? NULL : (const void *)((const char *)config + key->offset);
    return field == NULL ? "" : *field;
}

/* --health: asks the running process on the address that this environment gives. */
static int check_health(const ChProcess *process, const ChConfigKey *admin, void *config)
{
    g_autoptr(GError) error = NULL;
    const ChConfigKey *certificate = key_named(process, CH_TLS_CERTIFICATE_KEY);
    if (!ch_config_read(admin, 1, config, &error) ||
        (certificate != NULL && !ch_config_read(certificate, 1, config, &error)))
        return bad_setting(process, error);
    const ChListen *listen = (const void *)((const char *)config + admin->offset);
    bool tls = *text_of(certificate, config) != '\0';
    if (certificate != NULL)
        ch_config_clear(certificate, 1, config);
    return ch_probe_ready(listen, tls) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_help(const ChProcess *process)
{
    g_autoptr(GString) arguments = g_string_new("-h | --help | --version");
    if (admin_key(process) != NULL)
        g_string_append(arguments, " | --health");
    if (process->routes != NULL)
        g_string_append(arguments, " | --routes");
    printf("%s: %s\n\nusage: %s [%s]\n\n", process->name, process->purpose, process->name,
           arguments->str);
    ch_config_print_help(process->keys, process->keys_n);
}

/* GO_ON when there are no arguments, else the exit status. */
static int obey_arguments(const ChProcess *process, void *config, int argc, char **argv)
{
    if (argc <= 1)
        return GO_ON;
    const char *first = argc == 2 ? argv[1] : "";
    const ChConfigKey *admin = admin_key(process);
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        print_help(process);
        return EXIT_SUCCESS;
    }
    if (strcmp(first, "--version") == 0) {
        printf("%s %s\n", process->name, CARTWHEEL_VERSION);
        return EXIT_SUCCESS;
    }
    if (strcmp(first, "--routes") == 0 && process->routes != NULL) {
        ch_route_list_print(process->routes);
        return EXIT_SUCCESS;
    }
    if (strcmp(first, "--health") == 0 && admin != NULL)
        return check_health(process, admin, config);
    g_autofree char *quoted = g_strescape(argv[argc == 2 ? 1 : 2], NULL);
    fprintf(stderr, "%s: unexpected argument \"%s\": see --help\n", process->name, quoted);
    return EXIT_CONFIG;
}

/* glibc keeps large blocks once it has seen one freed, and an arena for each thread: one message of
 * 15 MiB made a worker 200 MiB large for good. Large blocks go back to the system at once. */
static void keep_memory_small(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BLOCK_BYTES);
    mallopt(M_ARENA_MAX, MAX_ARENAS);
}

int ch_process_init(const ChProcess *process, void *config, int argc, char **argv)
{
    keep_standard_streams();
    keep_memory_small();
    int status = obey_arguments(process, config, argc, argv);
    if (status != GO_ON)
        return status;
    turn_core_dumps_off();
    signal(SIGPIPE, SIG_IGN);
    const sigset_t signals = stop_signals();
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    g_autoptr(GError) error = NULL;
    if (!ch_config_read(process->keys, process->keys_n, config, &error)) {
        ch_config_clear(process->keys, process->keys_n, config);
        return bad_setting(process, error);
    }
    const ChConfigCommon *common = config;
    ch_log_init(process->name, (ChLogLevel)common->log_level);
    ch_config_log(process->keys, process->keys_n, config);
    log_misspellings(process);
    ch_start_check_settings(process->keys, process->keys_n, config);
    return GO_ON;
}

/* Only calls that a signal handler may make. */
static void leave_at_once(int signal_number G_GNUC_UNUSED)
{
    static const char why[] = "second signal during the stop: leaving at once\n";
    ssize_t ignored G_GNUC_UNUSED = write(STDERR_FILENO, why, sizeof why - 1);
    _exit(EXIT_FAILURE);
}

static const char *signal_name(int number)
{
    return number == SIGTERM ? "SIGTERM" : "SIGINT";
}

static int wait_for_signal(ChReminder remind)
{
    static const struct timespec hour = { .tv_sec = 60 * 60 };
    const sigset_t signals = stop_signals();
    int number = -1;
    while (number < 0) {
        if (remind != NULL)
            remind();
        number = sigtimedwait(&signals, NULL, &hour);
        g_assert(number > 0 || errno == EAGAIN || errno == EINTR);
    }
    return number;
}

void ch_process_wait(void)
{
    ch_process_wait_and_remind(NULL);
}

void ch_process_wait_and_remind(ChReminder remind)
{
    const sigset_t signals = stop_signals();
    int number = wait_for_signal(remind);
    ch_log_info("stopping", CH_STR("signal", signal_name(number)));
    const struct sigaction at_once = { .sa_handler = leave_at_once };
    sigaction(SIGTERM, &at_once, NULL);
    sigaction(SIGINT, &at_once, NULL);
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

static void *await_signal(void *unused)
{
    int number = 0;
    const sigset_t signals = stop_signals();
    int failure = sigwait(&signals, &number);
    g_assert(failure == 0);
    ch_log_warning("stopped before it was done", CH_STR("signal", signal_name(number)));
    _exit(EXIT_FAILURE);
    return unused;
}

bool ch_process_end_at_signal(GError **error)
{
    pthread_t thread;
    int failure = pthread_create(&thread, NULL, await_signal, NULL);
    if (failure == 0)
        failure = pthread_detach(thread);
    if (failure == 0)
        return true;
    g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "cannot start a thread: %s",
                g_strerror(failure));
    return false;
}

int ch_process_fail(const GError *error)
{
    ch_log_error("giving up", CH_ERR(error));
    return g_error_matches(error, CH_ERROR, CH_ERROR_CONFIG) ? EXIT_CONFIG : EXIT_FAILURE;
}

int ch_process_main(const ChProcess *process, void *config, int argc, char **argv)
{
    int status = ch_process_init(process, config, argc, argv);
    if (status != GO_ON)
        return status;
    g_autoptr(GError) error = NULL;
    if (process->check != NULL && !process->check(config, &error))
        status = bad_setting(process, error);
    else
        status = process->run(config, &error) ? 0 : ch_process_fail(error);
    ch_config_clear(process->keys, process->keys_n, config);
    return status;
}

void ch_process_leave(void)
{
    ch_log_warning("stopped without waiting any longer");
    _exit(0);
}
