/* A queue that a service consumes, and the queues beside it. */
#pragma once

typedef enum {
    CH_QUEUE_QUORUM,
    CH_QUEUE_CLASSIC
} ChQueueType;

/** The choices of QUEUE_TYPE, in the order of ChQueueType. */
#define CH_QUEUE_TYPES "quorum|classic"

/** How the queues of the contract and their dead letter queues are declared. Retry queues and
 * queues of unread letters are ours alone, and the same in each. */
typedef enum {
    CH_SHAPE_CARTWHEEL, /* with a type, a limit of deliveries and dead lettering */
    CH_SHAPE_DOTNET,    /* as the .NET services do: durable, classic, without arguments */
} ChShape;

/** The choices of BROKER_SHAPE, in the order of ChShape. */
#define CH_SHAPES "cartwheel|dotnet"

/** How to declare queues. */
typedef struct {
    ChShape shape;
    ChQueueType type; /* of all, but for those of CH_SHAPE_DOTNET */
} ChQueueKind;

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
