/* What consumer.c and settle.c share. Not to be included outside chassis/rabbitmq. */
#pragma once

#include "chassis/core/wait.h"
#include "chassis/rabbitmq/caution.h"
#include "chassis/rabbitmq/connection.h"
#include "chassis/rabbitmq/consumer_config.h"
#include "chassis/rabbitmq/depth.h"
#include "chassis/rabbitmq/letter.h"
#include "chassis/rabbitmq/stall.h"
#include "chassis/rabbitmq/unread.h"

struct ChConsumer {
    ChConsumerConfig config;
    amqp_connection_state_t connection; /* NULL while closed */
    uint64_t connections;               /* how many were opened: the number of this one */
    ChCaution caution;                  /* of this one */
    bool unreadable;     /* what came on this one cannot be read: nothing more comes on it */
    bool keeps_rejected; /* what is rejected is dead-lettered */
    int garbled;         /* connections in a row that were unreadable without a message to blame */
    ChUnread set_aside;
    ChLetters *letters; /* what is given up */
    GError *unsettled;  /* why something could not be given up; NULL: nothing */
    ChStall stall;      /* of this connection */
    ChDepth depth;      /* what there is of its queue */
    bool closed;        /* asks for nothing more */
    ChWakeup wakeup;    /* ends a wait for deliveries; set by any thread */
};

/** Tells the health of the process how the consumer is. @detail: NULL, or what is wrong. */
void ch_consumer_report(ChConsumer *consumer, bool ok, const char *detail);

/** Ends the connection after an error, which becomes UNAVAILABLE: whatever it was, waiting and
 * connecting again is the cure. @error: NULL, or where it is. Returns false. */
bool ch_consumer_drop(ChConsumer *consumer, GError **error);

/** What comes does so without neighbours. */
bool ch_consumer_stands_alone(const ChConsumer *consumer);
