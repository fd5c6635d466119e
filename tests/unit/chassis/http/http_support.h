/* A raw HTTP client over a socket: sends bytes as they are, reads answers one by one. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SUPPORT_DEADLINE_MS = 10000
}; /* of every wait: a loaded machine passes, a hang does not */

typedef struct {
    int fd;
    GString *received; /* what was read and not yet taken */
} Client;

typedef struct {
    unsigned status;
    char *head; /* status line and headers, lower case but for values */
    char *body;
} Reply;

Client must_connect(uint16_t port);

/** From @source, an address of this machine: INADDR_LOOPBACK + n. */
Client must_connect_from(uint32_t source, uint16_t port);
void client_close(Client *client);

/** Sends all of it; false when the server closed in the middle. */
bool client_send(Client *client, const char *text, size_t bytes);
void client_send_text(Client *client, const char *text);

/** Reads one answer (@head_only: to a HEAD request). False: closed before a whole one came. */
bool client_read(Client *client, bool head_only, Reply *reply);
void reply_clear(Reply *reply);

/** The value of the header @name in lower case; NULL when absent. Free with g_free(). */
char *reply_header(const Reply *reply, const char *name);

/** Waits for the server to close; false when another request was served before. */
bool client_sees_end(Client *client);

/** Connects, sends @text, reads one answer, closes. The status; 0 when there was no answer. */
unsigned status_of(uint16_t port, const char *text);

/** Waits until @condition gives true; fails the test at the deadline. */
void wait_until(bool (*condition)(void *context), void *context);
