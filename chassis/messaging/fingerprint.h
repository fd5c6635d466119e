/* What failures with the same cause have in common: their reason without what differs from one to
 * the next. */
#pragma once

enum {
    CH_FINGERPRINT_MAX_CHARS = 200,
};

/** @reason (UTF-8) with # for each id and number, "..." for each quoted value, (...) for the values
 * of a database's row or key, and @ for each address of mail; white space is one space. A place in
 * the code keeps its file and loses its line. New; free with g_free(). Any thread. */
char *ch_fingerprint(const char *reason);
