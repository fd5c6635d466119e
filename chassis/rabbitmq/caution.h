/* A consumer's cautious start, and the end of a connection that has swollen. Knows no connection.
 *
 * A message that was delivered before and never settled may be what killed the last consumer. So a
 * new connection takes one message at a time until one that was never delivered before is settled:
 * in a crash loop only the killer's count grows. Thread: the consumer's. */
#pragma once

#include "chassis/rabbitmq/delivery.h"

/** Of one connection. */
typedef struct {
    bool cautious; /* the window is one message */
    bool widen;    /* a never delivered message was settled: open the window */
    bool swollen;  /* what takes much memory came on it */
    int tables;    /* tables in header tables that came on it */
    bool retiring; /* to be replaced once what has come is settled */
} ChCaution;

/** What to do before the next fetch. */
typedef enum {
    CH_CAUTION_GO_ON,
    CH_CAUTION_WIDEN,   /* open the window, then ch_caution_widened() */
    CH_CAUTION_RETIRE,  /* ask for nothing more on this connection */
    CH_CAUTION_REPLACE, /* close it and open a new one */
} ChCautionStep;

/** A connection was opened. */
void ch_caution_start(ChCaution *caution);

/** Messages that may be unsettled at once; @full without caution. */
int ch_caution_window(const ChCaution *caution, int full);

/** @delivery came. */
void ch_caution_note_fetched(ChCaution *caution, const ChDelivery *delivery);

/** @delivery is about to be acknowledged. */
void ch_caution_note_settled(ChCaution *caution, const ChDelivery *delivery);

/** Tells each step but REPLACE once. @drained: everything that came has been fetched. */
ChCautionStep ch_caution_next(ChCaution *caution, bool drained);

/** The window is the full one from here on. */
void ch_caution_widened(ChCaution *caution);
