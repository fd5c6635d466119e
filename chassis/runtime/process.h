/* The life of a process: signals, waiting, the order of stopping. */
#pragma once

#include "chassis/core/config.h"
#include "chassis/http/route.h"

/** A step of a process with its settings, a struct that starts with a ChConfigCommon. */
typedef bool (*ChProcessStep)(const void *config, GError **error);

/** What a process is. Its arguments, all of which end it at once, are -h, --help, --version,
 * --health where there is an admin listener, and --routes where there are routes. */
typedef struct {
    const char *name;    /* "order-api" */
    const char *purpose; /* for --help */
    const ChConfigKey *keys;
    size_t keys_n;
    ChProcessStep check; /* of what the settings say together; NULL: nothing to check */
    ChProcessStep run;
    const ChHttpRouteTable *routes; /* that an API serves to the public; NULL: it is none */
} ChProcess;

/** What main() does for every binary: obeying arguments, reading the settings into @config,
 * logging, core dumps off, SIGPIPE ignored, SIGTERM and SIGINT blocked in all threads. Call first,
 * before any thread starts. Returns -1 to go on, or the exit status to leave with (0 after --help,
 * 2 for a bad setting). */
int ch_process_init(const ChProcess *process, void *config, int argc, char **argv);

/** Waits for SIGTERM or SIGINT. Main thread. A second signal during the stop ends the process at
 * once. */
void ch_process_wait(void);

/** Says what must not be forgotten. */
typedef void (*ChReminder)(void);

/** The same; @remind is called at once and every hour meanwhile. NULL: nothing is. */
void ch_process_wait_and_remind(ChReminder remind);

/** For a process without lanes: from here on SIGTERM or SIGINT ends it at once, wherever it is,
 * with status 1, for what it had to do is not done. Its servers undo what it had not committed.
 * Errors: UNAVAILABLE (no thread). */
CH_MUST_CHECK bool ch_process_end_at_signal(GError **error);

/** Logs @error as the reason to give up and returns the exit status for it
 * (2 for CH_ERROR_CONFIG, else 1). Consumes nothing. */
int ch_process_fail(const GError *error);

/** The whole main() of a process: ch_process_init(), its check, its run, ch_process_fail() if one
 * of them fails, ch_config_clear(). @config is zeroed by the caller. Returns the exit status. */
int ch_process_main(const ChProcess *process, void *config, int argc, char **argv);

/** Ends the process with status 0 without freeing anything: for a stop that ran out of time while a
 * lane still uses its parts. What that lane had not committed is undone by its servers. */
void ch_process_leave(void) __attribute__((noreturn));
