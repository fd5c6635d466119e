/* A server of ours for the client's tests: it answers what is asked for, and fails as it is told.
 */
#pragma once

#include "chassis/client/client.h"
#include "chassis/http/server.h"

#include <stdatomic.h>

typedef struct {
    ChHttpServer *server;
    _Atomic int failures; /* how many of the next requests get a 503 */
    _Atomic int requests;
    char *base;
    const char *_Atomic retry_after; /* the header of every answer; NULL: none */
} Fixture;

void setup(Fixture *f, gconstpointer unused);
void teardown(Fixture *f, gconstpointer unused);

/** @config without a name: "test". */
ChHttpClient *must_make(ChHttpClientConfig config);

ChHttpCall get(const char *url);

typedef struct {
    const char *name;
    void (*test)(Fixture *, gconstpointer);
} ClientTest;

int run_client_tests(int argc, char **argv, const ClientTest *tests, size_t n);
