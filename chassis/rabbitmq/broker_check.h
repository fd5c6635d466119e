/* Checks where the broker is said to be. */
#pragma once

#include "chassis/rabbitmq/broker.h"

/** Whether the settings fit together and their files can be used; connects to nobody.
 * Errors: CONFIG, one line that names the variable. */
CH_MUST_CHECK bool ch_amqp_check_config(const ChAmqpConfig *config, GError **error);
