/* Whether a consumer that receives nothing has been forgotten. Knows no connection.
 *
 * RabbitMQ 3.10.8 may leave a consumer without deliveries for ever, and without an error, when its
 * queue was deleted and made again. So one that was idle for a while asks how many messages are
 * ready: when some are, twice in a row, while it has room for all and gets none, it starts anew.
 * Thread: the consumer's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Of one connection. */
typedef struct {
    int64_t look_us; /* when to look, ch_time_monotonic_us() */
    bool suspected;  /* messages were ready when it looked last */
} ChStall;

/** Something came, or the connection was opened. */
void ch_stall_none(ChStall *stall, int64_t now_us);

/** Whether it is time to ask for the number of messages. */
bool ch_stall_should_look(const ChStall *stall, int64_t now_us);

/** So many are @ready, and none has come: true when the consumer has to start anew. */
bool ch_stall_looked(ChStall *stall, int64_t now_us, int64_t ready);
