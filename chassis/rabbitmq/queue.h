/* A queue that a service consumes, and the queues beside it. */
#pragma once

typedef enum {
    CH_QUEUE_QUORUM,
    CH_QUEUE_CLASSIC
} ChQueueType;

/** The choices of QUEUE_TYPE, in the order of ChQueueType. */
#define CH_QUEUE_TYPES "quorum|classic"

enum {
    CH_RETRIES = 2, /* retry queues of each queue: attempts but the first */
    CH_QUEUE_NAME_BYTES = 128,
};

/** The delay of each retry queue in milliseconds. */
extern const int ch_retry_delays_ms[CH_RETRIES];

typedef struct {
    const char *name;
    const char *exchange; /* it is bound to; declared too, since bindings need it */
    const char *routing_key;
    const char *dead_letter_exchange; /* its dead letter queue is <name>.dlq, key <name> */
} ChQueue;

/** Writes the name of the retry queue of @queue for failed attempt @attempt (1 to CH_RETRIES). */
void ch_queue_retry_name(const char *queue, int attempt, char name[CH_QUEUE_NAME_BYTES]);

/** Writes the name of the dead letter queue of @queue. */
void ch_queue_dead_letter_name(const char *queue, char name[CH_QUEUE_NAME_BYTES]);

/** Writes the name of the queue that keeps dead letters of @queue which cannot even be read. */
void ch_queue_unread_name(const char *queue, char name[CH_QUEUE_NAME_BYTES]);
