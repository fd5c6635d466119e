/* The life of a process: signals, waiting, the order of stopping. */
#pragma once

#include "chassis/core/config.h"

/** What main() does for every binary: --help, reading @keys into @config, logging, core dumps off,
 * SIGPIPE ignored, SIGTERM and SIGINT blocked in all threads. Call first, before any thread starts.
 * Returns -1 to go on, or the exit status to leave with (0 after --help, 2 for a bad setting). */
int ch_process_init(const char *process, const char *purpose, const ChConfigKey *keys, size_t n,
                    void *config, int argc, char **argv);

/** Waits for SIGTERM or SIGINT. Main thread. A second signal during the stop ends the process at
 * once. */
void ch_process_wait(void);

/** Logs @error as the reason to give up and returns the exit status for it
 * (2 for CH_ERROR_CONFIG, else 1). Consumes nothing. */
int ch_process_fail(const GError *error);

/** The whole main() of a process: ch_process_init(), @check (may be NULL) of what the settings say
 * together, @run with the settings, ch_process_fail() if that fails, ch_config_clear().
 * @config starts with a ChConfigCommon and is zeroed by the caller. Returns the exit status. */
typedef bool (*ChProcessStep)(const void *config, GError **error);
int ch_process_main(const char *process, const char *purpose, const ChConfigKey *keys, size_t n,
                    void *config, ChProcessStep check, ChProcessStep run, int argc, char **argv);

/** Ends the process with status 0 without freeing anything: for a stop that ran out of time while a
 * lane still uses its parts. What that lane had not committed is undone by its servers. */
void ch_process_leave(void) __attribute__((noreturn));
