/* Who may ask, and how often: the token of a request against the scope of its route (RFC 6750), and
 * its caller against the limits. */
#pragma once

#include "chassis/http/limits.h"
#include "chassis/identity/identity.h"

/** Whether a handler may see @request. False: it was answered 401, 403, 429, or 503 while no keys
 * are known. @identity NULL: authentication is off; @limits NULL: there are none. On the lane's
 * thread: checking a signature takes as long as ten requests take on the server's. */
bool ch_http_access_check(ChIdentity *identity, ChHttpLimits *limits, ChHttpRequest *request);
