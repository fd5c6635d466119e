/* What a body is that holds no event: the usual mistakes of publishers have names. Any thread. */
#pragma once

#include "chassis/rabbitmq/delivery.h"

/** Why @delivery holds no event, @why being what the parser says: with its content encoding, and
 * what its first bytes tell. Free with g_free(). */
char *ch_no_event(const ChDelivery *delivery, const char *why);
