/* Configuration: one table for each process, read from the environment, checked whole before
 * anything starts. */
#pragma once

#include "chassis/core/config_values.h"
#include "chassis/core/error.h"
#include "chassis/core/log.h"

#include <stddef.h>
#include <stdint.h>

typedef enum {
    CH_CONFIG_TEXT,     /* char *, owned by the struct */
    CH_CONFIG_SECRET,   /* char *; never printed; NAME_FILE may name a file that holds it */
    CH_CONFIG_URL,      /* char *; user, password and query are never printed; NAME_FILE, too */
    CH_CONFIG_COUNT,    /* int64_t, 1 or more */
    CH_CONFIG_LIMIT,    /* int64_t, 1 or more; 0: there is none */
    CH_CONFIG_DURATION, /* int64_t milliseconds; written 500ms, 20s, 5m, 24h, 30d */
    CH_CONFIG_LISTEN,   /* ChListen: host:port, IPv6 in brackets */
    CH_CONFIG_CHOICE,   /* int: the index of the value in .choices */
} ChConfigKind;

typedef struct {
    const char *name;
    ChConfigKind kind;
    size_t offset;        /* of the field in the process's struct */
    const char *fallback; /* NULL: required. "": may be empty (text, secret and URL only) */
    const char *help;     /* one line */
    const char
        *choices; /* CHOICE: "quorum|classic"; text, secret, URL: how it may begin, or NULL */
} ChConfigKey;

/** One key of @type's field, in one line. */
#define CH_CONFIG_KEY(name, kind, type, field, fallback, help, choices)                            \
    {                                                                                              \
        (name), (kind), offsetof(type, field), (fallback), (help), (choices)                       \
    }

/** Fills @config (a struct zeroed by the caller) from the environment.
 * Errors: CH_ERROR_CONFIG, a line for each variable that is wrong, which names it, what is wrong
 * and what is expected; values of secrets and URLs are never in it. Fields that are right are
 * filled all the same; free with ch_config_clear(). */
CH_MUST_CHECK bool ch_config_read(const ChConfigKey *keys, size_t n, void *config, GError **error);

/** Frees the texts and secrets; secrets are overwritten first. */
void ch_config_clear(const ChConfigKey *keys, size_t n, void *config);

/** Prints how settings are given, and each with its default and help, to standard output: the body
 * of --help. */
void ch_config_print_help(const ChConfigKey *keys, size_t n);

/** Logs each setting that differs from its default; *** stands for secrets, and for those in URLs.
 */
void ch_config_log(const ChConfigKey *keys, size_t n, const void *config);
