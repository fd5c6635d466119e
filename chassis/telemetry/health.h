/* Health: is every server that this process depends on there? */
#pragma once

#include <glib.h>
#include <stdbool.h>

typedef struct ChHealth ChHealth;

/** One reporter of one dependency, such as a lane's database connection. */
typedef struct ChHealthPart ChHealthPart;

ChHealth *ch_health_new(void);

/** After all that report to it have ended. NULL is fine. */
void ch_health_free(ChHealth *health);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ChHealth, ch_health_free)

/** A new part of @dependency ("postgres", "rabbitmq"), not ok until told ("starting"). A dependency
 * is ok when all its parts are. Belongs to @health. Any thread. */
ChHealthPart *ch_health_part(ChHealth *health, const char *dependency);

/** @detail: why it is not ok; shown to operators, so without secrets; NULL when ok. Copied. The
 * first part that is not ok begins an outage of its dependency, which is logged once. Any thread.
 */
void ch_health_set(ChHealthPart *part, bool ok, const char *detail);

/** Ready again, for only work can show whether it is ok: an outage is not over before
 * ch_health_set(). Any thread. */
void ch_health_try(ChHealthPart *part);

/** Logs the end of outages that are over: when all parts have been ok for so long that each has
 * looked. To be called now and then, by whoever has nothing else to do. Any thread. */
void ch_health_settle(ChHealthPart *part);

/** True when every dependency is ok. Any thread. */
bool ch_health_ready(ChHealth *health);

/** From here on never ready: the process stops, and whoever routes to it should look elsewhere. */
void ch_health_stopping(ChHealth *health);

/** Something that makes nobody less ready, but that operators should see with it. @text: a
 * constant; one at most. Before anybody asks. */
void ch_health_warn(ChHealth *health, const char *text);

/** What operators have paused: names[0..n), copied. It makes nobody less ready. Any thread. */
void ch_health_set_paused(ChHealth *health, const char *const *names, size_t n);

/** Calls @tell once, when every dependency is ok for the first time: at once, or later on a thread
 * that reports. It must not call back. NULL: no longer. */
void ch_health_when_ready(ChHealth *health, void (*tell)(void *context), void *context);

/** {"status":"ready","dependencies":{"postgres":{"status":"ok"}}}; the second part is ready or not.
 * @details: why what is down is down, the warning, and what is paused ("paused":["order.relay"]),
 * which only operators should see. Free with
 * g_string_free(). Any thread. */
GString *ch_health_render(ChHealth *health, bool details, bool *ready);
