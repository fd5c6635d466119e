/* Health: parts report, the two questions are answered from what they last said, and an outage of a
 * dependency is logged once for all its parts. */
#include "chassis/telemetry/health.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/json/json_writer.h"

#include <pthread.h>
#include <string.h>

/* Lanes look at their connections once a second: before that some have not seen an outage that
 * others are through with. */
#define SETTLED_US (INT64_C(1500) * 1000)

typedef struct {
    char *name;
    bool out;         /* an outage was logged, its end was not */
    int64_t since_us; /* when it was logged; monotonic, as is the next */
    int64_t bad_us;   /* when a part last was not ok */
} Dependency;

struct ChHealthPart {
    ChHealth *health;
    Dependency *dependency;
    bool ok;
    bool proven;  /* ok is more than a hope */
    char *detail; /* why not; NULL when ok */
};

struct ChHealth {
    pthread_mutex_t mutex;   /* guards all below, and every part and dependency but its name */
    GPtrArray *parts;        /* ChHealthPart*, owned */
    GPtrArray *dependencies; /* Dependency*, owned; in the order of their first parts */
    bool stopping;
    const char *warning;         /* NULL: none */
    GPtrArray *paused;           /* char *, owned: names */
    void (*tell)(void *context); /* NULL: nobody, or it was told */
    void *tell_context;
};

static void free_part(void *element)
{
    ChHealthPart *part = element;
    g_free(part->detail);
    g_free(part);
}

static void free_dependency(void *element)
{
    Dependency *dependency = element;
    g_free(dependency->name);
    g_free(dependency);
}

ChHealth *ch_health_new(void)
{
    ChHealth *health = g_new0(ChHealth, 1);
    pthread_mutex_init(&health->mutex, NULL);
    health->parts = g_ptr_array_new_with_free_func(free_part);
    health->dependencies = g_ptr_array_new_with_free_func(free_dependency);
    health->paused = g_ptr_array_new_with_free_func(g_free);
    return health;
}

void ch_health_free(ChHealth *health)
{
    if (health == NULL)
        return;
    g_ptr_array_unref(health->parts);
    g_ptr_array_unref(health->dependencies);
    g_ptr_array_unref(health->paused);
    pthread_mutex_destroy(&health->mutex);
    g_free(health);
}

static Dependency *dependency_locked(ChHealth *health, const char *name)
{
    for (unsigned i = 0; i < health->dependencies->len; i++) {
        Dependency *dependency = g_ptr_array_index(health->dependencies, i);
        if (strcmp(dependency->name, name) == 0)
            return dependency;
    }
    Dependency *dependency = g_new0(Dependency, 1);
    dependency->name = g_strdup(name);
    g_ptr_array_add(health->dependencies, dependency);
    return dependency;
}

ChHealthPart *ch_health_part(ChHealth *health, const char *dependency)
{
    ChHealthPart *part = g_new0(ChHealthPart, 1);
    part->health = health;
    part->detail = g_strdup("starting");
    pthread_mutex_lock(&health->mutex);
    part->dependency = dependency_locked(health, dependency);
    g_ptr_array_add(health->parts, part);
    pthread_mutex_unlock(&health->mutex);
    return part;
}

/* ---- the first time that all is there ---- */

static bool ready_locked(const ChHealth *health)
{
    bool ready = !health->stopping;
    for (unsigned i = 0; i < health->parts->len; i++) {
        const ChHealthPart *part = g_ptr_array_index(health->parts, i);
        ready = ready && part->ok;
    }
    return ready;
}

/* Under the lock, so that whoever sees it ready finds it told. */
static void tell_locked(ChHealth *health)
{
    if (health->tell == NULL || !ready_locked(health))
        return;
    health->tell(health->tell_context);
    health->tell = NULL;
}

void ch_health_when_ready(ChHealth *health, void (*tell)(void *context), void *context)
{
    pthread_mutex_lock(&health->mutex);
    health->tell = tell;
    health->tell_context = context;
    tell_locked(health);
    pthread_mutex_unlock(&health->mutex);
}

/* ---- what parts report ---- */

static void set_locked(ChHealthPart *part, bool ok, bool proven, const char *detail)
{
    part->ok = ok;
    part->proven = proven;
    g_free(part->detail);
    part->detail = ok ? NULL : g_strdup(detail);
}

/* ---- outages ---- */

/* True when this is news: until its end the outage is only noted. */
static bool begin_outage_locked(const ChHealth *health, Dependency *dependency)
{
    dependency->bad_us = ch_time_monotonic_us();
    if (dependency->out || health->stopping)
        return false;
    dependency->out = true;
    dependency->since_us = dependency->bad_us;
    return true;
}

static bool is_whole_locked(const ChHealth *health, const Dependency *dependency)
{
    for (unsigned i = 0; i < health->parts->len; i++) {
        const ChHealthPart *part = g_ptr_array_index(health->parts, i);
        if (part->dependency == dependency && !(part->ok && part->proven))
            return false;
    }
    return true;
}

/* A dependency whose outage is over, each told once; NULL when there is none. */
static const Dependency *end_outage_locked(const ChHealth *health, int64_t now_us)
{
    for (unsigned i = 0; i < health->dependencies->len; i++) {
        Dependency *dependency = g_ptr_array_index(health->dependencies, i);
        if (!dependency->out || now_us - dependency->bad_us < SETTLED_US ||
            !is_whole_locked(health, dependency))
            continue;
        dependency->out = false;
        return dependency;
    }
    return NULL;
}

void ch_health_set(ChHealthPart *part, bool ok, const char *detail)
{
    ChHealth *health = part->health;
    const char *why = detail != NULL ? detail : "not available";
    pthread_mutex_lock(&health->mutex);
    set_locked(part, ok, ok, why);
    bool news = !ok && begin_outage_locked(health, part->dependency);
    tell_locked(health);
    pthread_mutex_unlock(&health->mutex);
    if (news)
        ch_log_warning("waiting for a server", CH_STR("server", part->dependency->name),
                       CH_STR("error", why));
}

void ch_health_try(ChHealthPart *part)
{
    pthread_mutex_lock(&part->health->mutex);
    set_locked(part, true, false, NULL);
    tell_locked(part->health);
    pthread_mutex_unlock(&part->health->mutex);
}

void ch_health_settle(ChHealthPart *part)
{
    ChHealth *health = part->health;
    int64_t now_us = ch_time_monotonic_us();
    for (;;) {
        pthread_mutex_lock(&health->mutex);
        const Dependency *ended = end_outage_locked(health, now_us);
        int64_t out_us = ended != NULL ? ended->bad_us - ended->since_us : 0;
        pthread_mutex_unlock(&health->mutex);
        if (ended == NULL)
            return;
        ch_log_info("server works again", CH_STR("server", ended->name),
                    CH_INT("away_ms", out_us / 1000));
    }
}

/* ---- the two questions ---- */

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

void ch_health_warn(ChHealth *health, const char *text)
{
    pthread_mutex_lock(&health->mutex);
    health->warning = text;
    pthread_mutex_unlock(&health->mutex);
}

void ch_health_set_paused(ChHealth *health, const char *const *names, size_t n)
{
    pthread_mutex_lock(&health->mutex);
    g_ptr_array_set_size(health->paused, 0);
    for (size_t i = 0; i < n; i++)
        g_ptr_array_add(health->paused, g_strdup(names[i]));
    pthread_mutex_unlock(&health->mutex);
}

/* Who speaks for the dependency of part @index: its first part that is not ok, or else any. NULL
 * when an earlier part is of the same: it was written then. */
static const ChHealthPart *spokesman_locked(const ChHealth *health, unsigned index)
{
    const ChHealthPart *asked = g_ptr_array_index(health->parts, index);
    for (unsigned i = 0; i < index; i++) {
        const ChHealthPart *part = g_ptr_array_index(health->parts, i);
        if (part->dependency == asked->dependency)
            return NULL;
    }
    for (unsigned i = index; i < health->parts->len; i++) {
        const ChHealthPart *part = g_ptr_array_index(health->parts, i);
        if (!part->ok && part->dependency == asked->dependency)
            return part;
    }
    return asked;
}

static void write_paused_locked(const ChHealth *health, GString *json)
{
    ch_json_begin_array(json, "paused");
    for (unsigned i = 0; i < health->paused->len; i++)
        ch_json_add_text(json, NULL, g_ptr_array_index(health->paused, i));
    ch_json_end_array(json);
}

GString *ch_health_render(ChHealth *health, bool details, bool *ready)
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
        ch_json_begin_object(json, part->dependency->name);
        ch_json_add_text(json, "status", part->ok ? "ok" : "down");
        if (!part->ok && details)
            ch_json_add_text(json, "detail", part->detail);
        ch_json_end_object(json);
    }
    ch_json_end_object(json);
    if (health->stopping && details)
        ch_json_add_text(json, "detail", "stopping");
    if (health->warning != NULL && details)
        ch_json_add_text(json, "warning", health->warning);
    if (health->paused->len > 0 && details)
        write_paused_locked(health, json);
    ch_json_end_object(json);
    pthread_mutex_unlock(&health->mutex);
    return json;
}
