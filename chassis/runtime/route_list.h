/* The routes of an API for those who do not run it: the body of --routes. */
#pragma once

#include "chassis/http/route.h"

/** Prints to standard output a JSON array with what a public listener serves, @routes and those of
 * health: [{method, pattern, operationId, lane, gated}]. */
void ch_route_list_print(const ChHttpRouteTable *routes);
