/* URLs of settings: what is one, and how it may be shown. */
#pragma once

#include <stdbool.h>

/** A URL with a scheme and a host, written as RFC 3986 has it. The only @ is the one behind user
 * and password: elsewhere it has to be written %40, so that nobody can take a part of a password
 * for a path. */
bool ch_url_valid(const char *url);

/** Whether @url, a valid one, holds a user or a password. */
bool ch_url_has_login(const char *url);

/** How @url, a valid one or "", may be shown to anybody: *** stands for user and password, and for
 * what follows the path, where keys are given too. Free with g_free(). */
char *ch_url_masked(const char *url);
