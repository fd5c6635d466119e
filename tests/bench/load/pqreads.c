/* What batching of reads is compared with: clients that ask PostgreSQL for one order each, wait,
 * and ask for the next. Prints how many a second. The server is named by libpq's variables (PGHOST,
 * ...).
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    UUID_CHARS = 36,
    MAX_CLIENTS = 1024,
    CLIENT_STACK_BYTES = 256 * 1024,
};

/* An order with its items, as the API answers it. */
static const char sql_select_order[] =
    "select o.id, o.customer_id, o.status, o.total, o.currency, o.reason, o.created_at,"
    " o.updated_at, i.product_id, i.quantity, i.unit_price"
    " from orders o join order_items i on i.order_id = o.id where o.id = $1 order by i.product_id";

typedef struct {
    char (*ids)[UUID_CHARS + 1];
    size_t n_ids;
    atomic_bool counting, stopping;
    pthread_barrier_t connected;
} Run;

typedef struct {
    Run *run;
    size_t first; /* place in ids where it begins */
    long reads;   /* while counting */
    bool failed;
} Client;

static bool prepare(PGconn *connection)
{
    if (PQstatus(connection) != CONNECTION_OK) {
        fprintf(stderr, "pqreads: %s", PQerrorMessage(connection));
        return false;
    }
    PGresult *result = PQprepare(connection, "read", sql_select_order, 1, NULL);
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok)
        fprintf(stderr, "pqreads: %s", PQerrorMessage(connection));
    PQclear(result);
    return ok;
}

static bool read_one(PGconn *connection, const char *id)
{
    const char *const values[] = { id };
    PGresult *result = PQexecPrepared(connection, "read", 1, values, NULL, NULL, 1);
    bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) >= 1;
    PQclear(result);
    return ok;
}

static void *client_main(void *opaque)
{
    Client *client = opaque;
    Run *run = client->run;
    PGconn *connection = PQconnectdb("");
    client->failed = !prepare(connection);
    pthread_barrier_wait(&run->connected);
    for (size_t i = client->first; !client->failed && !atomic_load(&run->stopping); i++) {
        client->failed = !read_one(connection, run->ids[i % run->n_ids]);
        client->reads += atomic_load(&run->counting);
    }
    PQfinish(connection);
    return NULL;
}

static bool load_ids(Run *run, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return false;
    }
    char line[128];
    size_t room = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (run->n_ids == room) {
            room = room == 0 ? 1024 : room * 2;
            run->ids = realloc(run->ids, room * sizeof *run->ids);
            if (run->ids == NULL)
                abort();
        }
        line[UUID_CHARS] = '\0';
        memcpy(run->ids[run->n_ids++], line, UUID_CHARS + 1);
    }
    fclose(file);
    return run->n_ids > 0;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void pause_s(double seconds)
{
    struct timespec rest = { .tv_sec = (time_t)seconds,
                             .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
    while (nanosleep(&rest, &rest) != 0)
        continue;
}

/* Starts the clients, lets them warm up, counts for @seconds; how long it counted. */
static double measure(Run *run, Client *clients, size_t n, double warm_up_s, double seconds)
{
    pthread_t threads[MAX_CLIENTS];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, CLIENT_STACK_BYTES);
    pthread_barrier_init(&run->connected, NULL, (unsigned)n + 1);
    for (size_t i = 0; i < n; i++) {
        clients[i] = (Client){ .run = run, .first = i * (run->n_ids / n) };
        if (pthread_create(&threads[i], &attributes, client_main, &clients[i]) != 0)
            abort();
    }
    pthread_barrier_wait(&run->connected);
    pause_s(warm_up_s);
    double start = now_s();
    atomic_store(&run->counting, true);
    pause_s(seconds);
    atomic_store(&run->counting, false);
    double counted = now_s() - start;
    atomic_store(&run->stopping, true);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    pthread_barrier_destroy(&run->connected);
    return counted;
}

int main(int argc, char **argv)
{
    size_t n = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    if (n == 0 || n > MAX_CLIENTS) {
        fputs("usage: pqreads IDS-FILE CLIENTS WARM-UP-SECONDS SECONDS\n", stderr);
        return 2;
    }
    Run run = { .ids = NULL };
    Client clients[MAX_CLIENTS];
    if (!load_ids(&run, argv[1]))
        return 1;
    double counted = measure(&run, clients, n, strtod(argv[3], NULL), strtod(argv[4], NULL));
    long reads = 0;
    long failed = 0;
    for (size_t i = 0; i < n; i++) {
        reads += clients[i].reads;
        failed += clients[i].failed;
    }
    printf("{\"reads\":%ld,\"seconds\":%.6f,\"failed\":%ld}\n", reads, counted, failed);
    free(run.ids);
    return 0;
}
