/* A consumer's cautious start, and the end of a connection that has swollen. Knows no connection.
 *
 * A message that was delivered before and never settled may be what killed the last consumer. So a
 * new connection takes one message at a time until one that was never delivered before is settled:
 * in a crash loop only the killer's count grows.
 * Where it is known what ended the last connection, and that it is out of the way, the neighbours
 * that come again are not suspected: the window doubles while all goes well. It does so slowly
 * enough that whatever lies among 500 messages, a neighbour is counted 6 times at most, and not the
 * 10 times that make it a suspect. Thread: the consumer's. */
#pragma once

#include "chassis/rabbitmq/delivery.h"

/** Of one connection. */
typedef struct {
    bool cautious;  /* the window is small */
    bool trusting;  /* and grows by what is settled, whatever that is */
    int step;       /* the small windows are 1, 2, 4, ... messages */
    int settled;    /* in this window */
    bool fresh;     /* a never delivered message was settled: open the window */
    bool widen;     /* as far as it goes now */
    bool swollen;   /* what takes much memory came on it */
    int tables;     /* tables in header tables that came on it */
    bool known_end; /* the connection ends for a message that is known, and out of the way */
    bool retiring;  /* to be replaced once what has come is settled */
} ChCaution;

/** What to do before the next fetch. */
typedef enum {
    CH_CAUTION_GO_ON,
    CH_CAUTION_WIDEN,   /* ch_caution_widened(), then consume anew with that window */
    CH_CAUTION_RETIRE,  /* ask for nothing more on this connection */
    CH_CAUTION_REPLACE, /* close it and open a new one */
} ChCautionStep;

/** A connection was opened. The last one's state, or zeros, is in @caution. */
void ch_caution_start(ChCaution *caution);

/** The connection ends because of a message that no library can read: it killed nobody. */
void ch_caution_note_end(ChCaution *caution);

/** The tag of the broker's consumer with this window; @full without caution. */
const char *ch_caution_tag(const ChCaution *caution, const char *full);

/** Messages that may be unsettled at once; @full without caution. */
int ch_caution_window(const ChCaution *caution, int full);

/** @delivery came. */
void ch_caution_note_fetched(ChCaution *caution, const ChDelivery *delivery);

/** @delivery is about to be acknowledged. */
void ch_caution_note_settled(ChCaution *caution, const ChDelivery *delivery);

/** Tells each step but REPLACE once. @drained: everything that came has been fetched. */
ChCautionStep ch_caution_next(ChCaution *caution, bool drained);

/** The window is the next larger one from here on. */
void ch_caution_widened(ChCaution *caution);
