/* Publishing with confirms: a message counts as published when the broker says that it has it. */
#pragma once

#include "chassis/core/error.h"
#include "chassis/rabbitmq/broker.h"
#include "chassis/rabbitmq/message.h"
#include "chassis/telemetry/health.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/** A connection of its own that heals. Every function belongs to the thread of one lane. */
typedef struct ChPublisher ChPublisher;

typedef struct {
    const ChAmqpConfig *broker; /* borrowed */
    const char *name;           /* of the connection; borrowed */
    const char *app_id;         /* of every message: the publishing service; borrowed */
    const char *exchange;       /* declared after each connect; NULL: none */
    ChHealthPart *health;       /* NULL: nobody asks */
} ChPublisherConfig;

/** A publisher that is not connected yet. Copies @config's fields but borrows its texts. */
ChPublisher *ch_publisher_new(const ChPublisherConfig *config);
void ch_publisher_free(ChPublisher *publisher);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChPublisher, ch_publisher_free)

/** Publishes @n messages, persistent, and waits up to @wait_ms for the next confirm, up to three
 * times as long for all of them.
 * outcomes[i] tells what became of messages[i]; only written on success.
 * Errors: UNAVAILABLE: any of them may or may not have arrived (publish again: consumers drop
 * duplicates). FAILED: the broker closed the channel because of one of them; the same holds. */
CH_MUST_CHECK bool ch_publisher_publish(ChPublisher *publisher, const ChMessage *messages, size_t n,
                                        int wait_ms, ChPublishOutcome *outcomes, GError **error);

/** Keeps the connection alive (heartbeats) and notices its end. Call at least every few seconds. */
CH_MUST_CHECK bool ch_publisher_idle(ChPublisher *publisher, GError **error);
