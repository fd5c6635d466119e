/* A server with a lane behind it, whose handler echoes, waits or fails as a test tells it. */
#pragma once

#include "chassis/core/lane.h"
#include "chassis/http/lane.h"
#include "chassis/http/request.h"
#include "chassis/http/server.h"
#include "http_support.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    MAX_BODY = 1024,
    MAX_WAITING = 2,
    FEW_CONNECTIONS = 16,
};

typedef struct {
    ChWork work;
    ChHttpLane *lane;
    ChLane *thread; /* that serves the lane */
    ChHttpServer *server;
    uint16_t port;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool shut;            /* guarded: handlers wait while it is */
    _Atomic int inside;   /* requests in handlers now */
    _Atomic int handled;  /* requests that went through handlers */
    _Atomic bool refuses; /* the gate */
    _Atomic bool away;    /* handlers find their server away */
} Fixture;

void setup(Fixture *f, gconstpointer unused);
void setup_impatient(Fixture *f, gconstpointer unused); /* requests have 300 ms */
void setup_small(Fixture *f, gconstpointer unused);     /* has FEW_CONNECTIONS */
void teardown(Fixture *f, gconstpointer unused);

/** While shut, handlers wait. */
void set_shut(Fixture *f, bool shut);

/** For wait_until(): a request is in a handler. @context: the fixture. */
bool is_inside(void *context);

/** Sends @request (may be "") and expects this answer. */
void assert_answer(Client *client, const char *request, unsigned status, const char *body);

/** Expects a 503 with Retry-After; @retry_after NULL: any. */
void assert_unavailable(Client *client, const char *retry_after);

typedef struct {
    const char *name;
    void (*setup)(Fixture *f, gconstpointer unused);
    void (*test)(Fixture *f, gconstpointer unused);
} ServerTest;

int run_server_tests(int argc, char **argv, const ServerTest *tests, size_t n);
