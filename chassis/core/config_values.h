/* The values of settings, from text and back. Each reader is false when @text is none of its kind.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char host[256];
    uint16_t port; /* 0: any free port */
} ChListen;

/** A whole number of 1 or more, without sign or space; *end is what follows it. */
bool ch_config_parse_count(const char *text, const char **end, int64_t *value);

/** 500ms, 20s, 5m, 24h, 30d. */
bool ch_config_parse_duration(const char *text, int64_t *ms);

/** The index of @text in "quorum|classic", or -1. */
int ch_config_find_choice(const char *choices, const char *text);

/** host:port; IPv6 in brackets. */
bool ch_config_parse_listen(const char *text, ChListen *listen);

/** Whether only this machine reaches it: an address of the loopback network, or "localhost". */
bool ch_config_is_loopback(const ChListen *listen);

/** One line of UTF-8: nothing in a setting may end a header, a log line or an SQL text early. */
bool ch_config_is_one_line(const char *text);

/** True when @text begins with one of @beginnings, "a|b", and goes on; NULL allows any. */
bool ch_config_begins_well(const char *text, const char *beginnings);

/** @ms as one would write it; free with g_free(). */
char *ch_config_duration_text(int64_t ms);
