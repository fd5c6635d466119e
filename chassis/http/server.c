/* The server's life: listen, start, drain, stop. */
#include "chassis/http/server.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/http/connections.h"
#include "chassis/http/loop.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    DEFAULT_BODY_BYTES = 64 * 1024,
    DEFAULT_HEADER_BYTES = 16 * 1024, /* libmicrohttpd clears all of it for each request */
    DEFAULT_CONNECTIONS = 2048,       /* 32 MiB of them, once each was used */
    DEFAULT_REQUEST_TIMEOUT_MS = 10000,
    DEFAULT_IDLE_TIMEOUT_MS = 60000,
    RESERVED_FDS = 64, /* for files, lanes' connections, and the system's libraries */
    BACKLOG = 1024,
    LOG_BYTES = 512,
    LAST_ANSWERS_US = 250 * 1000, /* for the 503s of a stop to be written */
};

/* 1.0 refuses malformed lines by itself at 1. At 1 all that 0.9 does more is to answer for a
 * missing Host, with the head of its answer written twice: we answer for that. */
#if MHD_VERSION >= 0x01000000
enum {
    STRICTNESS = 1
};
#else
enum {
    STRICTNESS = 0
};
#endif

struct ChHttpServer {
    ChHttpIntake intake;
    ChHttpRouter *router;
    int listener; /* -1 once it belongs to the daemon or is closed */
    uint16_t port;
    unsigned max_connections;
    size_t max_header_bytes;
    int64_t idle_timeout_us;
    ChHttpLoop *loop;
    struct MHD_Daemon *daemon; /* NULL: not started, or stopped */
};

/* ---- listening ---- */

static int bind_to(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

static int listen_on(const ChListen *where, GError **error)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
    struct addrinfo *addresses = NULL;
    char port[8];
    g_snprintf(port, sizeof(port), "%u", where->port);
    int failure = getaddrinfo(where->host, port, &hints, &addresses);
    if (failure != 0) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "cannot listen on %s:%u: %s", where->host,
                    where->port, gai_strerror(failure));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *address = addresses; address != NULL && fd < 0;
         address = address->ai_next)
        fd = bind_to(address);
    int why = errno;
    freeaddrinfo(addresses);
    if (fd < 0)
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "cannot listen on %s:%u: %s", where->host,
                    where->port, g_strerror(why));
    return fd;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = { 0 };
    socklen_t bytes = sizeof(address);
    getsockname(fd, &address.any, &bytes);
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

/* libmicrohttpd 0.9 spins when the process runs out of descriptors, so it must never get there. */
static unsigned allowed_connections(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return wanted;
    rlim_t free_fds = limit.rlim_cur > RESERVED_FDS + 1 ? limit.rlim_cur - RESERVED_FDS : 1;
    return (unsigned)MIN((rlim_t)wanted, free_fds);
}

/* ---- libmicrohttpd ---- */

G_GNUC_PRINTF(2, 0)
static void log_line(void *context, const char *format, va_list arguments)
{
    (void)context;
    char line[LOG_BYTES];
    vsnprintf(line, sizeof(line), format, arguments);
    g_strchomp(line);
    ch_log_debug("libmicrohttpd", CH_STR("text", line));
}

/* Paths and queries are decoded by us, strictly. */
static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

/* TLS 1.2 at least, forward secrecy, and ciphers that authenticate. */
static const char priorities[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:+AES-256-GCM:"
    "+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE";

static const struct MHD_OptionItem tls_options[] = {
    { MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)priorities },
    { MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)ch_http_tls_show },
    { MHD_OPTION_END, 0, NULL },
};

static struct MHD_Daemon *start_daemon(ChHttpServer *server)
{
    ChHttpIntake *intake = &server->intake;
    int64_t idle_s = (server->idle_timeout_us + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC;
    const struct MHD_OptionItem options[] = {
        { MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_line, NULL }, /* first: the others use it */
        { MHD_OPTION_LISTEN_SOCKET, server->listener, NULL },
        { MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)ch_http_connections_changed, intake },
        { MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)ch_http_connections_target, intake },
        { MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)ch_http_connections_completed, intake },
        { MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)keep_escapes, NULL },
        { MHD_OPTION_STRICT_FOR_CLIENT, STRICTNESS, NULL },
        { MHD_OPTION_CONNECTION_LIMIT, server->max_connections, NULL },
        { MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)server->max_header_bytes, NULL },
        { MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)idle_s, NULL },
        { MHD_OPTION_END, 0, NULL },
    };
    const struct MHD_OptionItem no_tls[] = { { MHD_OPTION_END, 0, NULL } };
    bool tls = intake->tls.certificate != NULL;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(flags | (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, ch_http_intake_access,
                            intake, MHD_OPTION_ARRAY, options, MHD_OPTION_ARRAY,
                            tls ? tls_options : no_tls, MHD_OPTION_END);
}

bool ch_http_server_start(ChHttpServer *server, GError **error)
{
    g_assert(server->daemon == NULL && server->listener >= 0);
    struct MHD_Daemon *daemon = start_daemon(server);
    if (daemon == NULL) {
        g_set_error(error, CH_ERROR, CH_ERROR_UNAVAILABLE, "cannot start the HTTP server");
        return false;
    }
    server->listener = -1; /* the daemon's now */
    if (ch_http_loop_start(server->loop, daemon, error)) {
        server->daemon = daemon;
        return true;
    }
    MHD_stop_daemon(daemon);
    return false;
}

/* ---- life ---- */

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value == 0 ? fallback : value;
}

ChHttpServer *ch_http_server_new(const ChHttpServerConfig *config, GError **error)
{
    g_autoptr(ChHttpServer) server = g_new0(ChHttpServer, 1);
    ChHttpIntake *intake = &server->intake;
    ch_http_intake_init(intake);
    server->listener = listen_on(&config->listen, error);
    if (server->listener < 0)
        return NULL;
    server->loop = ch_http_loop_new(intake, error);
    if (server->loop == NULL)
        return NULL;
    int64_t request_ms = or_default(config->request_timeout_ms, DEFAULT_REQUEST_TIMEOUT_MS);
    int64_t idle_ms = or_default(config->idle_timeout_ms, DEFAULT_IDLE_TIMEOUT_MS);
    server->port = port_of(server->listener);
    server->max_header_bytes =
        (size_t)or_default((int64_t)config->max_header_bytes, DEFAULT_HEADER_BYTES);
    server->max_connections =
        allowed_connections((unsigned)or_default(config->max_connections, DEFAULT_CONNECTIONS));
    server->idle_timeout_us = idle_ms * 1000;
    server->router = ch_http_router_new(config->bindings, config->bindings_n);
    intake->router = server->router;
    intake->proxies = config->proxies;
    intake->origins = config->origins;
    intake->tls.certificate = config->certificate;
    intake->resumer = ch_http_loop_resumer(server->loop);
    intake->max_body_bytes =
        (size_t)or_default((int64_t)config->max_body_bytes, DEFAULT_BODY_BYTES);
    intake->request_timeout_us = request_ms * 1000;
    intake->deadlines = ch_http_deadlines_new(request_ms * 1000, idle_ms * 1000,
                                              server->max_connections, config->certificate != NULL);
    return g_steal_pointer(&server);
}

uint16_t ch_http_server_port(const ChHttpServer *server)
{
    return server->port;
}

bool ch_http_server_drain(ChHttpServer *server, int64_t deadline_us)
{
    if (server->daemon == NULL)
        return true;
    atomic_store(&server->intake.draining, true); /* before the listener goes: who is answered
                                                   * after that must not come again */
    ch_http_loop_quiesce(server->loop);
    return ch_http_intake_drain(&server->intake, deadline_us);
}

void ch_http_server_stop(ChHttpServer *server)
{
    if (server->daemon == NULL)
        return;
    atomic_store(&server->intake.draining, true);
    ch_http_loop_expire(server->loop);
    ch_http_intake_drain(&server->intake, ch_time_monotonic_us() + LAST_ANSWERS_US);
    ch_http_loop_stop(server->loop);
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}

void ch_http_server_free(ChHttpServer *server)
{
    if (server == NULL)
        return;
    ch_http_server_stop(server);
    if (server->listener >= 0)
        close(server->listener);
    ch_http_loop_free(server->loop);
    ch_http_deadlines_free(server->intake.deadlines);
    ch_http_intake_clear(&server->intake);
    ch_http_router_free(server->router);
    g_free(server);
}
