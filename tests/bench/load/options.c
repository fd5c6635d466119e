/* The command line of the load generator. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: loadgen --total N [--rate R] --connections C --products FILE [options] HOST:PORT...\n"
    "Places N orders over HTTP: R a second (latencies count from the intended time of sending), "
    "or\n"
    "without --rate on each connection the next when the last is answered.\n"
    "  --products FILE  one UUID a line; each order is for one of one of them\n"
    "  --seed N         of the customers and the choice of products\n"
    "  --warm-up S      seconds whose orders are placed but not in the latencies\n"
    "  --patience S     seconds without any answer after which the rest is given up\n"
    "  --record FILE    per order: intended time (us since 1970), latency (us), status, id\n"
    "  --token TOKEN    what Authorization: Bearer says\n";

static const struct option names[] = {
    { "total", required_argument, NULL, 'n' },       { "rate", required_argument, NULL, 'r' },
    { "connections", required_argument, NULL, 'c' }, { "products", required_argument, NULL, 'p' },
    { "seed", required_argument, NULL, 's' },        { "warm-up", required_argument, NULL, 'w' },
    { "patience", required_argument, NULL, 't' },    { "record", required_argument, NULL, 'o' },
    { "token", required_argument, NULL, 'k' },       { NULL, 0, NULL, 0 },
};

static bool read_products(Options *options, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return false;
    }
    size_t room = 0;
    char line[128];
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strlen(line) != UUID_CHARS)
            continue;
        if (options->n_products == room) {
            room = room == 0 ? 1024 : room * 2;
            options->products = realloc(options->products, room * sizeof *options->products);
            if (options->products == NULL)
                abort();
        }
        memcpy(options->products[options->n_products++], line, UUID_CHARS + 1);
    }
    fclose(file);
    return options->n_products > 0;
}

static bool read_target(Options *options, const char *text)
{
    const char *colon = strrchr(text, ':');
    if (colon == NULL || options->n_targets == MAX_TARGETS || colon - text >= HOST_CHARS)
        return false;
    Target *target = &options->targets[options->n_targets++];
    memcpy(target->host, text, (size_t)(colon - text));
    target->host[colon - text] = '\0';
    target->port = (int)strtol(colon + 1, NULL, 10);
    return target->port > 0;
}

static bool read_option(Options *options, int name)
{
    switch (name) {
    case 'n':
        options->total = strtoll(optarg, NULL, 10);
        return true;
    case 'r':
        options->rate = strtod(optarg, NULL);
        return true;
    case 'c':
        options->connections = strtoul(optarg, NULL, 10);
        return true;
    case 'p':
        return read_products(options, optarg);
    case 's':
        options->seed = strtoull(optarg, NULL, 10);
        return true;
    case 'w':
        options->warm_up_s = strtod(optarg, NULL);
        return true;
    case 't':
        options->patience_s = strtod(optarg, NULL);
        return true;
    case 'o':
        options->record = fopen(optarg, "w");
        return options->record != NULL;
    case 'k':
        options->token = optarg;
        return strlen(optarg) <= TOKEN_CHARS;
    default:
        return false;
    }
}

bool options_read(Options *options, int argc, char **argv)
{
    *options = (Options){ .seed = 1, .patience_s = 30, .token = "" };
    bool ok = true;
    int name;
    while (ok && (name = getopt_long(argc, argv, "", names, NULL)) != -1)
        ok = read_option(options, name);
    for (; ok && optind < argc; optind++)
        ok = read_target(options, argv[optind]);
    if (ok && options->total > 0 && options->connections > 0 && options->n_products > 0 &&
        options->n_targets > 0)
        return true;
    fputs(usage, stderr);
    return false;
}

void options_clear(Options *options)
{
    free(options->products);
    if (options->record != NULL)
        fclose(options->record);
}
