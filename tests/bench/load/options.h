/* What the load generator was asked for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    MAX_TARGETS = 16,
    UUID_CHARS = 36,
    HOST_CHARS = 64,
    TOKEN_CHARS = 1024, /* the launcher's have 400 */
};

typedef struct {
    char host[HOST_CHARS];
    int port;
} Target;

typedef struct {
    Target targets[MAX_TARGETS];
    size_t n_targets;
    char (*products)[UUID_CHARS + 1]; /* owned */
    size_t n_products;
    const char *token;
    FILE *record; /* one line an order; NULL: none */
    int64_t total;
    double rate;       /* a second; 0: as fast as they are answered */
    double warm_up_s;  /* orders meant to be sent before are not in the latencies */
    double patience_s; /* without any answer the rest is given up */
    size_t connections;
    uint64_t seed;
} Options;

/* Reads the command line. False after a message on standard error. */
bool options_read(Options *options, int argc, char **argv);
void options_clear(Options *options);
