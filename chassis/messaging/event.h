/* The envelope of an event: {"EventId", "EventType", "OccurredOn", "Data"}, and of one that is
 * announced again "AnnouncementId" (docs/contract.md, 1). */
#pragma once

#include "chassis/core/error.h"
#include "chassis/core/trace.h"
#include "chassis/core/uuid.h"
#include "chassis/json/json.h"
#include "chassis/json/json_writer.h"

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CH_EVENT_MAX_BYTES = 1024 * 1024
};

/** An event as it was received. */
typedef struct {
    ChUuid id;
    ChUuid told_as; /* by which a consumer knows that it has it: AnnouncementId, or else EventId */
    char *type;     /* NULL when the envelope has none */
    ChJsonValue data; /* an object; belongs to the event */
    ChTrace trace;    /* a child of the sender's, or a new root */
    ChJson *document; /* what the texts of `data` live in */
    ChJson *inner;    /* the same when Data was a string that held the object; else NULL */
} ChEvent;

/** Reads an envelope; @traceparent may be NULL. Free with ch_event_free().
 * Errors: FAILED: this is no envelope, and no retry will make it one. */
CH_MUST_CHECK ChEvent *ch_event_parse(const void *body, size_t bytes, const char *traceparent,
                                      GError **error);
void ch_event_free(ChEvent *event);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChEvent, ch_event_free)

/** Starts an envelope and its Data object with the members Id and OccurredOn that every event has.
 * Add the others with ch_json_add_*(), then call ch_event_end(). */
GString *ch_event_begin(ChUuid id, const char *type, int64_t occurred_us);

/** The same for an event that is announced again, as @announcement: consumers of ours answer it
 * once more, those that know EventId alone drop it when they have it. */
GString *ch_event_begin_again(ChUuid id, ChUuid announcement, const char *type,
                              int64_t occurred_us);
void ch_event_end(GString *event);
