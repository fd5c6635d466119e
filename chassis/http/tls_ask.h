/* One question to a TLS server on the same machine, by a client that does not ask who it is: for a
 * process that probes itself by its own address, which no certificate names. Send no secrets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** Sends @request on the connected socket @fd, which has time-outs, and reads the first @bytes of
 * the answer. False: it does not come. */
bool ch_http_tls_ask(int fd, const char *request, char *answer, size_t bytes);
