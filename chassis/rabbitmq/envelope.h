/* From the library's envelope to ours. Not to be included outside chassis/rabbitmq. */
#pragma once

#include "chassis/rabbitmq/amqp_headers.h"
#include "chassis/rabbitmq/delivery.h"

/** A copy of @envelope, which stays the caller's. */
ChDelivery *ch_delivery_from(const amqp_envelope_t *envelope, uint64_t connection);
