/* A message as a publisher takes it, and what becomes of it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** All texts are borrowed and zero-terminated; NULL is left out. */
typedef struct {
    const char *exchange; /* "" routes to the queue named by routing_key */
    const char *routing_key;
    const uint8_t *body;
    size_t body_bytes;
    const char *message_id;
    const char *type;
    const char *traceparent;
    const char *failed_queue;   /* header x-failed-queue: whose consumer failed on it */
    const char *error;          /* header x-error: why it was retried or dead-lettered */
    const char *dead_letter_id; /* header x-dead-letter-id */
    int64_t created_us;         /* property timestamp; microseconds since 1970 UTC */
    int retry_count;            /* header x-retry-count; 0 is left out */
    bool mandatory;             /* RETURNED when no queue takes it */
} ChMessage;

typedef enum {
    CH_PUBLISH_CONFIRMED,
    CH_PUBLISH_RETURNED, /* no queue took it */
    CH_PUBLISH_REFUSED,  /* the broker says no (basic.nack) */
    CH_PUBLISH_OUTCOMES_N,
} ChPublishOutcome;
