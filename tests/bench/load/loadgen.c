/* A load generator of one thread: places orders at a constant rate whatever the server does, or on
 * each connection one after the other.
 *
 * At a constant rate an order that finds no free connection waits its turn, and its latency counts
 * from the time it was meant to be sent: a server that stalls cannot hide what it makes wait. */
#include "options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    REQUEST_BYTES = 512 + TOKEN_CHARS,
    RESPONSE_BYTES = 8192,
    EVENTS = 256,
    STATUSES = 600,
};

/* What became of one order. */
typedef struct {
    int64_t intended_us; /* monotonic */
    int32_t latency_us;
    int16_t status; /* 0: no answer */
    char id[UUID_CHARS + 1];
} Outcome;

typedef struct {
    int fd;
    const Target *target;
    int64_t order; /* under way; -1: none */
    bool blocked;  /* the socket did not take all of the request */
    size_t out_bytes, out_sent, in_bytes;
    char out[REQUEST_BYTES];
    char in[RESPONSE_BYTES];
} Connection;

typedef struct {
    const Options *options;
    Connection *connections;
    size_t *idle; /* ring of connections without an order, longest idle first */
    size_t idle_first, n_idle;
    Outcome *outcomes; /* [options->total] */
    int64_t sent, answered, failed;
    int64_t statuses[STATUSES];
    int64_t start_us, end_us, realtime_offset_us;
    uint64_t random;
    int epoll;
} Generator;

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* xorshift64*: the same customers for the same seed. */
static uint64_t next_random(Generator *generator)
{
    uint64_t x = generator->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    generator->random = x;
    return x * UINT64_C(2685821657736338717);
}

/* ---- connections ---- */

static bool open_connection(Generator *generator, size_t index)
{
    Connection *connection = &generator->connections[index];
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)connection->target->port) };
    int one = 1;
    connection->order = -1;
    connection->blocked = false;
    connection->in_bytes = 0;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        inet_pton(AF_INET, connection->target->host, &address.sin_addr) != 1 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("loadgen: connect");
        return false;
    }
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(connection->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = index };
    return epoll_ctl(generator->epoll, EPOLL_CTL_ADD, connection->fd, &event) == 0;
}

static void push_idle(Generator *generator, size_t index)
{
    size_t n = generator->options->connections;
    generator->idle[(generator->idle_first + generator->n_idle++) % n] = index;
}

static size_t pop_idle(Generator *generator)
{
    size_t index = generator->idle[generator->idle_first];
    generator->idle_first = (generator->idle_first + 1) % generator->options->connections;
    generator->n_idle--;
    return index;
}

/* The server closed it or broke the protocol. A new one takes its place; false: it cannot. */
static bool replace_connection(Generator *generator, size_t index)
{
    Connection *connection = &generator->connections[index];
    close(connection->fd);
    if (connection->order >= 0)
        generator->failed++;
    if (!open_connection(generator, index))
        return false;
    push_idle(generator, index);
    return true;
}

/* ---- requests ---- */

static void write_request(Generator *generator, Connection *connection)
{
    const Options *options = generator->options;
    uint64_t a = next_random(generator);
    uint64_t b = next_random(generator);
    const char *product = options->products[next_random(generator) % options->n_products];
    char body[256];
    int body_bytes = snprintf(
        body, sizeof body,
        "{\"customerId\":\"%08x-%04x-4%03x-8%03x-%012llx\",\"items\":"
        "[{\"productId\":\"%s\",\"quantity\":1,\"unitPrice\":19.99}],\"currency\":\"EUR\"}",
        (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff, (unsigned)(b >> 52),
        (unsigned long long)(b & 0xffffffffffff), product);
    int bytes = snprintf(connection->out, sizeof connection->out,
                         "POST /api/orders HTTP/1.1\r\nHost: %s:%d\r\n"
                         "Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
                         "Content-Length: %d\r\n\r\n%s",
                         connection->target->host, connection->target->port, options->token,
                         body_bytes, body);
    connection->out_bytes = (size_t)bytes;
    connection->out_sent = 0;
}

/* Sends what the socket takes; the rest goes when it is writable. */
static bool flush(Generator *generator, size_t index)
{
    Connection *connection = &generator->connections[index];
    while (connection->out_sent < connection->out_bytes) {
        ssize_t n = send(connection->fd, connection->out + connection->out_sent,
                         connection->out_bytes - connection->out_sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            return false;
        connection->out_sent += (size_t)n;
    }
    bool whole = connection->out_sent == connection->out_bytes;
    if (whole == !connection->blocked)
        return true;
    connection->blocked = !whole;
    struct epoll_event event = { .events = whole ? EPOLLIN : EPOLLIN | EPOLLOUT,
                                 .data.u64 = index };
    return epoll_ctl(generator->epoll, EPOLL_CTL_MOD, connection->fd, &event) == 0;
}

static int64_t intended_us(const Generator *generator, int64_t order, int64_t now_us)
{
    if (generator->options->rate <= 0)
        return now_us;
    return generator->start_us + (int64_t)((double)order * 1e6 / generator->options->rate);
}

/* Sends all orders that are due and find a connection. */
static bool send_due(Generator *generator)
{
    int64_t now_us = clock_us(CLOCK_MONOTONIC);
    while (generator->sent < generator->options->total && generator->n_idle > 0) {
        int64_t due_us = intended_us(generator, generator->sent, now_us);
        if (due_us > now_us)
            break;
        size_t index = pop_idle(generator);
        Connection *connection = &generator->connections[index];
        connection->order = generator->sent++;
        generator->outcomes[connection->order].intended_us = due_us;
        write_request(generator, connection);
        if (!flush(generator, index) && !replace_connection(generator, index))
            return false;
    }
    return true;
}

/* ---- answers ---- */

/* The length of the whole answer; 0: not all of it is here. */
static size_t answer_bytes(const Connection *connection)
{
    const char *end = strstr(connection->in, "\r\n\r\n");
    if (end == NULL)
        return 0;
    const char *length = strcasestr(connection->in, "\r\nContent-Length:");
    size_t head = (size_t)(end - connection->in) + 4;
    size_t body = 0;
    if (length != NULL && length < end)
        body = strtoul(length + sizeof "\r\nContent-Length:" - 1, NULL, 10);
    return connection->in_bytes >= head + body ? head + body : 0;
}

static void note_answer(Generator *generator, Connection *connection)
{
    int64_t now_us = clock_us(CLOCK_MONOTONIC);
    Outcome *outcome = &generator->outcomes[connection->order];
    long status = strtol(connection->in + sizeof "HTTP/1.1", NULL, 10);
    outcome->latency_us = (int32_t)(now_us - outcome->intended_us);
    outcome->status = (int16_t)status;
    const char *id = strstr(connection->in, "\"id\":\"");
    if (status == 201 && id != NULL) {
        memcpy(outcome->id, id + 6, UUID_CHARS);
        outcome->id[UUID_CHARS] = '\0';
    }
    if (status >= 0 && status < STATUSES)
        generator->statuses[status]++;
    generator->answered++;
    generator->end_us = now_us;
}

/* False: the connection is of no more use. */
static bool read_answer(Generator *generator, size_t index)
{
    Connection *connection = &generator->connections[index];
    ssize_t n = recv(connection->fd, connection->in + connection->in_bytes,
                     sizeof connection->in - 1 - connection->in_bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0)
        return false;
    connection->in_bytes += (size_t)n;
    connection->in[connection->in_bytes] = '\0';
    size_t whole = answer_bytes(connection);
    if (whole == 0)
        return connection->in_bytes < sizeof connection->in - 1;
    if (connection->order < 0 || whole != connection->in_bytes)
        return false; /* an answer to nothing */
    note_answer(generator, connection);
    connection->in_bytes = 0;
    connection->order = -1;
    push_idle(generator, index);
    return true;
}

/* ---- the run ---- */

static struct timespec wait_time(const Generator *generator)
{
    double wait_us = generator->options->patience_s * 1e6;
    if (generator->sent < generator->options->total && generator->n_idle > 0) {
        int64_t now_us = clock_us(CLOCK_MONOTONIC);
        int64_t due_us = intended_us(generator, generator->sent, now_us);
        wait_us = due_us > now_us ? (double)(due_us - now_us) : 0;
    }
    return (struct timespec){ .tv_sec = (time_t)(wait_us / 1e6),
                              .tv_nsec = (long)((int64_t)wait_us % 1000000) * 1000 };
}

static bool serve(Generator *generator, const struct epoll_event *event)
{
    size_t index = event->data.u64;
    bool ok = true;
    if ((event->events & EPOLLOUT) != 0)
        ok = flush(generator, index);
    if (ok && (event->events & ~(uint32_t)EPOLLOUT) != 0)
        ok = read_answer(generator, index);
    return ok || replace_connection(generator, index);
}

static bool run(Generator *generator)
{
    int64_t total = generator->options->total;
    generator->start_us = generator->end_us = clock_us(CLOCK_MONOTONIC);
    generator->realtime_offset_us = clock_us(CLOCK_REALTIME) - generator->start_us;
    while (generator->answered + generator->failed < total) {
        struct epoll_event events[EVENTS];
        if (!send_due(generator))
            return false;
        struct timespec wait = wait_time(generator);
        bool for_answers = generator->sent == total || generator->n_idle == 0;
        int n = epoll_pwait2(generator->epoll, events, EVENTS, &wait, NULL);
        if (n < 0 && errno != EINTR)
            return false;
        if (n == 0 && for_answers)
            return true; /* given up: they count as without an answer */
        for (int i = 0; i < n; i++) {
            if (!serve(generator, &events[i]))
                return false;
        }
    }
    return true;
}

static bool start(Generator *generator, const Options *options)
{
    generator->options = options;
    generator->random = options->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    generator->epoll = epoll_create1(EPOLL_CLOEXEC);
    generator->connections = calloc(options->connections, sizeof *generator->connections);
    generator->idle = calloc(options->connections, sizeof *generator->idle);
    generator->outcomes = calloc((size_t)options->total, sizeof *generator->outcomes);
    if (generator->connections == NULL || generator->idle == NULL || generator->outcomes == NULL)
        abort();
    for (size_t i = 0; i < options->connections; i++) {
        generator->connections[i].target = &options->targets[i % options->n_targets];
        if (!open_connection(generator, i))
            return false;
        push_idle(generator, i);
    }
    return true;
}

/* ---- the report ---- */

static int by_size(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void print_latencies(const Generator *generator)
{
    static const double quantiles[] = { 0.5, 0.9, 0.99, 0.999, 1 };
    static const char *const labels[] = { "p50", "p90", "p99", "p999", "max" };
    int64_t from_us = generator->start_us + (int64_t)(generator->options->warm_up_s * 1e6);
    int32_t *latencies = calloc((size_t)generator->options->total + 1, sizeof *latencies);
    size_t n = 0;
    if (latencies == NULL)
        abort();
    for (int64_t i = 0; i < generator->sent; i++) {
        const Outcome *outcome = &generator->outcomes[i];
        if (outcome->status != 0 && outcome->intended_us >= from_us)
            latencies[n++] = outcome->latency_us;
    }
    qsort(latencies, n, sizeof *latencies, by_size);
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        size_t place = (size_t)(quantiles[i] * (double)n);
        printf("%s\"%s\":%d", i == 0 ? "" : ",", labels[i],
               n == 0 ? -1 : latencies[place < n ? place : n - 1]);
    }
    free(latencies);
}

static void print_report(const Generator *generator)
{
    printf("{\"sent\":%lld,\"answered\":%lld,\"failed\":%lld,\"unanswered\":%lld,",
           (long long)generator->sent, (long long)generator->answered, (long long)generator->failed,
           (long long)(generator->options->total - generator->answered - generator->failed));
    printf("\"start_us\":%lld,\"seconds\":%.6f,\"statuses\":{",
           (long long)(generator->start_us + generator->realtime_offset_us),
           (double)(generator->end_us - generator->start_us) / 1e6);
    const char *comma = "";
    for (int status = 0; status < STATUSES; status++) {
        if (generator->statuses[status] == 0)
            continue;
        printf("%s\"%d\":%lld", comma, status, (long long)generator->statuses[status]);
        comma = ",";
    }
    printf("},\"latency_us\":{");
    print_latencies(generator);
    printf("}}\n");
}

static void write_record(const Generator *generator)
{
    for (int64_t i = 0; i < generator->sent; i++) {
        const Outcome *outcome = &generator->outcomes[i];
        fprintf(generator->options->record, "%lld %d %d %s\n",
                (long long)(outcome->intended_us + generator->realtime_offset_us),
                outcome->latency_us, outcome->status, outcome->id);
    }
}

int main(int argc, char **argv)
{
    Options options;
    if (!options_read(&options, argc, argv))
        return 2;
    Generator generator = { .epoll = -1 };
    bool ok = start(&generator, &options) && run(&generator);
    if (ok) {
        print_report(&generator);
        if (options.record != NULL)
            write_record(&generator);
    }
    for (size_t i = 0; generator.connections != NULL && i < options.connections; i++) {
        if (generator.connections[i].fd > 0)
            close(generator.connections[i].fd);
    }
    free(generator.connections);
    free(generator.idle);
    free(generator.outcomes);
    options_clear(&options);
    return ok ? 0 : 1;
}
