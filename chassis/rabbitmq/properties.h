/* From our message to the library's properties. Not to be included outside chassis/rabbitmq. */
#pragma once

#include "chassis/rabbitmq/amqp_headers.h"
#include "chassis/rabbitmq/message.h"

enum {
    CH_MESSAGE_MAX_HEADERS = 6
};

/** Fills @properties, which borrows from all the others. */
void ch_message_properties(const ChMessage *message, const char *app_id,
                           amqp_table_entry_t headers[CH_MESSAGE_MAX_HEADERS],
                           amqp_basic_properties_t *properties);
