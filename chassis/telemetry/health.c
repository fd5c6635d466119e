/* Health: parts report, the two questions are answered from what they last said. */
#include "chassis/telemetry/health.h"

#include "chassis/json/json_writer.h"

#include <pthread.h>
#include <string.h>

struct ChHealthPart {
    ChHealth *health;
    char *dependency;
    bool ok;
    char *detail; /* why not; NULL when ok */
};

struct ChHealth {
    pthread_mutex_t mutex; /* guards all below, and every part but its dependency */
    GPtrArray *parts;      /* ChHealthPart*, owned */
    bool stopping;
};

static void free_part(void *element)
{
    ChHealthPart *part = element;
    g_free(part->dependency);
    g_free(part->detail);
    g_free(part);
}

ChHealth *ch_health_new(void)
{
    ChHealth *health = g_new0(ChHealth, 1);
    pthread_mutex_init(&health->mutex, NULL);
    health->parts = g_ptr_array_new_with_free_func(free_part);
    return health;
}

void ch_health_free(ChHealth *health)
{
    if (health == NULL)
        return;
    g_ptr_array_unref(health->parts);
    pthread_mutex_destroy(&health->mutex);
    g_free(health);
}

ChHealthPart *ch_health_part(ChHealth *health, const char *dependency)
{
    ChHealthPart *part = g_new0(ChHealthPart, 1);
    part->health = health;
    part->dependency = g_strdup(dependency);
    part->detail = g_strdup("starting");
    pthread_mutex_lock(&health->mutex);
    g_ptr_array_add(health->parts, part);
    pthread_mutex_unlock(&health->mutex);
    return part;
}

void ch_health_set(ChHealthPart *part, bool ok, const char *detail)
{
    pthread_mutex_lock(&part->health->mutex);
    part->ok = ok;
    g_free(part->detail);
    part->detail = ok ? NULL : g_strdup(detail != NULL ? detail : "not available");
    pthread_mutex_unlock(&part->health->mutex);
}

static bool ready_locked(const ChHealth *health)
{
    bool ready = !health->stopping;
    for (unsigned i = 0; i < health->parts->len; i++) {
        const ChHealthPart *part = g_ptr_array_index(health->parts, i);
        ready = ready && part->ok;
    }
    return ready;
}

bool ch_health_ready(ChHealth *health)
{
    pthread_mutex_lock(&health->mutex);
    bool ready = ready_locked(health);
    pthread_mutex_unlock(&health->mutex);
    return ready;
}

void ch_health_stopping(ChHealth *health)
{
    pthread_mutex_lock(&health->mutex);
    health->stopping = true;
    pthread_mutex_unlock(&health->mutex);
}

/* Who speaks for the dependency of part @index: its first part that is not ok, or else any. NULL
 * when an earlier part is of the same: it was written then. */
static const ChHealthPart *spokesman_locked(const ChHealth *health, unsigned index)
{
    const ChHealthPart *asked = g_ptr_array_index(health->parts, index);
    for (unsigned i = 0; i < index; i++) {
        const ChHealthPart *part = g_ptr_array_index(health->parts, i);
        if (strcmp(part->dependency, asked->dependency) == 0)
            return NULL;
    }
    for (unsigned i = index; i < health->parts->len; i++) {
        const ChHealthPart *part = g_ptr_array_index(health->parts, i);
        if (!part->ok && strcmp(part->dependency, asked->dependency) == 0)
            return part;
    }
    return asked;
}

GString *ch_health_render(ChHealth *health, bool *ready)
{
    GString *json = g_string_sized_new(128);
    pthread_mutex_lock(&health->mutex);
    *ready = ready_locked(health);
    ch_json_begin_object(json, NULL);
    ch_json_add_text(json, "status", *ready ? "ready" : "not ready");
    ch_json_begin_object(json, "dependencies");
    for (unsigned i = 0; i < health->parts->len; i++) {
        const ChHealthPart *part = spokesman_locked(health, i);
        if (part == NULL)
            continue;
        ch_json_begin_object(json, part->dependency);
        ch_json_add_text(json, "status", part->ok ? "ok" : "down");
        if (!part->ok)
            ch_json_add_text(json, "detail", part->detail);
        ch_json_end_object(json);
    }
    ch_json_end_object(json);
    if (health->stopping)
        ch_json_add_text(json, "detail", "stopping");
    ch_json_end_object(json);
    pthread_mutex_unlock(&health->mutex);
    return json;
}
