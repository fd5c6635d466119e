/* A message as a consumer gets it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** As it came. Texts are NULL when absent; nothing of it is trusted. */
typedef struct {
    uint64_t tag;
    uint64_t
        connection; /* which connection it came on; an old one's deliveries cannot be settled */
    uint8_t *body;
    size_t body_bytes;
    char *message_id;
    char *type;
    char *content_encoding; /* gzip; NULL for what is text as it is */
    char *routing_key;
    char *traceparent;
    char *failed_queue;   /* header x-failed-queue */
    char *error;          /* header x-error */
    char *dead_letter_id; /* header x-dead-letter-id */
    char *death_reason;   /* header x-first-death-reason: why the broker dead-lettered it */
    int header_tables;    /* tables and arrays within its header table, at any depth */
    bool unreadable; /* the library cannot read it: there is nothing but its tag, and it can only be
                      * rejected or held back */
    int retry_count; /* header x-retry-count; 0 when absent or senseless */
    int64_t delivery_count; /* times it was delivered before and not settled */
    bool uncounted;         /* it was, but its queue does not count how often: that says 1 */
    bool suspect;           /* and it came alone, so that it may be what ended the last consumer */
} ChDelivery;

/** NULL is fine. */
void ch_delivery_free(ChDelivery *delivery);
