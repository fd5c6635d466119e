/* The server's one thread: libmicrohttpd's work, the resuming of connections whose requests lanes
 * have finished, and deadlines.
 *
 * libmicrohttpd 0.9 (seen with 0.9.75) has a thread of its own to offer, but that one stalls: when
 * a multiple of 128 connections are ready at once, it waits for another event before it looks at
 * them. Driven from outside it never waits. And so a whole batch is resumed in one go. */
#pragma once

#include "chassis/http/intake.h"

typedef struct ChHttpLoop ChHttpLoop;

/** Not running yet; requests may already get its resumer. Errors: UNAVAILABLE. */
CH_MUST_CHECK ChHttpLoop *ch_http_loop_new(ChHttpIntake *intake, GError **error);
ChHttpResumer *ch_http_loop_resumer(ChHttpLoop *loop);

/** Starts the thread on @daemon (MHD_USE_EPOLL, without threads). Errors: UNAVAILABLE. */
CH_MUST_CHECK bool ch_http_loop_start(ChHttpLoop *loop, struct MHD_Daemon *daemon, GError **error);

/** Closes the listening socket; returns when that has happened. */
void ch_http_loop_quiesce(ChHttpLoop *loop);

/** Expires every request that waits, and each that comes from now on; returns at once. */
void ch_http_loop_expire(ChHttpLoop *loop);

/** The same, then ends the thread as soon as no connection is suspended. */
void ch_http_loop_stop(ChHttpLoop *loop);

/** After stop. NULL is fine. */
void ch_http_loop_free(ChHttpLoop *loop);
