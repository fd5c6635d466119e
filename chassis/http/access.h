/* Who may ask: the token of a request against the scope of its route (RFC 6750). */
#pragma once

#include "chassis/http/request_life.h"
#include "chassis/identity/identity.h"

/** Whether a handler may see @request. False: it was answered 401, 403, or 503 while no keys are
 * known. @identity NULL: authentication is off. On the lane's thread: checking a signature takes as
 * long as ten requests take on the server's. */
bool ch_http_access_check(ChIdentity *identity, ChHttpRequest *request);
