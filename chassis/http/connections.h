/* Connections begin and end, and so do the requests on them: libmicrohttpd's callbacks, on the
 * server's thread. The context of each is the ChHttpIntake. */
#pragma once

#include "chassis/http/intake.h"

/** A connection is opened or closed. */
void ch_http_connections_changed(void *context, struct MHD_Connection *connection,
                                 void **socket_context, enum MHD_ConnectionNotificationCode code);

/** The first line of a request has come; @target is the raw one. Returns what the other callbacks
 * get as `incoming`. */
void *ch_http_connections_target(void *context, const char *target,
                                 struct MHD_Connection *connection);

/** A request is over, however it ended. */
void ch_http_connections_completed(void *context, struct MHD_Connection *connection,
                                   void **incoming, enum MHD_RequestTerminationCode code);
