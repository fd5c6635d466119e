/* One GET over a socket. */
#include "chassis/runtime/probe.h"

#include "chassis/http/tls_ask.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    STEP_TIMEOUT_S = 3,
    STATUS_LINE_BYTES = 12, /* "HTTP/1.1 200" */
};

static int connect_to(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const struct timeval limit = { .tv_sec = STEP_TIMEOUT_S };
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit); /* of connect() too */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Sends the request and reads the first bytes of the answer. */
static bool ask(int fd, bool tls, char status_line[STATUS_LINE_BYTES])
{
    static const char request[] =
        "GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (tls)
        return ch_http_tls_ask(fd, request, status_line, STATUS_LINE_BYTES);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) != (ssize_t)strlen(request))
        return false;
    return recv(fd, status_line, STATUS_LINE_BYTES, MSG_WAITALL) == STATUS_LINE_BYTES;
}

bool ch_probe_ready(const ChListen *admin, bool tls)
{
    char port[8];
    g_snprintf(port, sizeof port, "%d", admin->port);
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
    struct addrinfo *addresses = NULL;
    int fd = -1;
    if (getaddrinfo(admin->host, port, &hints, &addresses) == 0)
        fd = connect_to(addresses);
    if (addresses != NULL)
        freeaddrinfo(addresses);
    char status_line[STATUS_LINE_BYTES] = { 0 };
    bool answered = fd >= 0 && ask(fd, tls, status_line);
    if (fd >= 0)
        close(fd);
    if (answered && memcmp(status_line + 9, "200", 3) == 0)
        return true;
    fprintf(stderr, "not ready: %s port %s %s\n", admin->host, port,
            answered ? "reports so" : "does not answer");
    return false;
}
