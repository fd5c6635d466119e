/* Which key of an issuer signed. */
#include "chassis/identity/key_set.h"

#include "chassis/core/log.h"
#include "chassis/identity/strict_json.h"

#include <stdatomic.h>
#include <string.h>

enum {
    MAX_MEMBERS = 32,
};

struct ChKeySet {
    _Atomic int references;
    GPtrArray *keys; /* of ChJwk, owned */
};

static void free_key(gpointer key)
{
    ch_jwk_free(key);
}

static bool is_known(const ChKeySet *set, const char *id)
{
    for (guint i = 0; i < set->keys->len; i++) {
        if (strcmp(ch_jwk_id(g_ptr_array_index(set->keys, i)), id) == 0)
            return true;
    }
    return false;
}

/* NULL: used; else why not. */
static const char *add(ChKeySet *set, ChJsonValue object)
{
    const char *why = NULL;
    if (set->keys->len == CH_KEY_SET_MAX_KEYS)
        return "there are too many keys";
    ChJwk *key = ch_jwk_new(object, &why);
    if (key == NULL)
        return why;
    if (*ch_jwk_id(key) != '\0' && is_known(set, ch_jwk_id(key))) {
        ch_jwk_free(key);
        return "another key has the same id";
    }
    g_ptr_array_add(set->keys, key);
    return NULL;
}

static void add_all(ChKeySet *set, ChJsonValue keys)
{
    size_t left_out = 0;
    const char *first_reason = NULL;
    for (ChJsonValue it = ch_json_first(keys); ch_json_is_set(it); it = ch_json_next(it)) {
        const char *why = add(set, it);
        if (why != NULL && left_out++ == 0)
            first_reason = why;
    }
    if (left_out > 0)
        ch_log_warning("keys of the issuer are of no use", CH_INT("keys", left_out),
                       CH_STR("first", first_reason));
}

ChKeySet *ch_key_set_parse(const char *text, size_t bytes, GError **error)
{
    if (bytes > CH_KEY_SET_MAX_BYTES) {
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the key set is longer than %d bytes",
                    CH_KEY_SET_MAX_BYTES);
        return NULL;
    }
    g_autoptr(ChJson) json = ch_json_parse(text, bytes, error);
    if (json == NULL) {
        g_prefix_error(error, "the key set ");
        return NULL;
    }
    ChJsonValue root = ch_json_root(json);
    ChJsonValue keys = ch_strict_member(root, "keys");
    g_autoptr(ChKeySet) set = g_new0(ChKeySet, 1);
    atomic_init(&set->references, 1);
    set->keys = g_ptr_array_new_with_free_func(free_key);
    if (!ch_strict_is_object(root, MAX_MEMBERS) || ch_json_kind(keys) != CH_JSON_ARRAY) {
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the key set has no list of keys");
        return NULL;
    }
    add_all(set, keys);
    if (set->keys->len == 0) {
        g_set_error(error, CH_ERROR, CH_ERROR_FAILED, "the key set has no key that is of use");
        return NULL;
    }
    return g_steal_pointer(&set);
}

ChKeySet *ch_key_set_ref(ChKeySet *set)
{
    atomic_fetch_add(&set->references, 1);
    return set;
}

void ch_key_set_unref(ChKeySet *set)
{
    if (set == NULL || atomic_fetch_sub(&set->references, 1) > 1)
        return;
    g_ptr_array_unref(set->keys);
    g_free(set);
}

size_t ch_key_set_count(const ChKeySet *set)
{
    return set->keys->len;
}

static ChKeyMatch find_by_id(const ChKeySet *set, const ChAlgorithm *algorithm, const char *id,
                             const ChJwk **key)
{
    for (guint i = 0; i < set->keys->len; i++) {
        const ChJwk *candidate = g_ptr_array_index(set->keys, i);
        if (strcmp(ch_jwk_id(candidate), id) != 0)
            continue;
        if (!ch_jwk_fits(candidate, algorithm))
            return CH_KEY_UNFIT;
        *key = candidate;
        return CH_KEY_FOUND;
    }
    return CH_KEY_UNKNOWN;
}

ChKeyMatch ch_key_set_find(const ChKeySet *set, const ChAlgorithm *algorithm, const char *id,
                           const ChJwk **key)
{
    if (id != NULL)
        return find_by_id(set, algorithm, id, key);
    const ChJwk *only = NULL;
    for (guint i = 0; i < set->keys->len; i++) {
        const ChJwk *candidate = g_ptr_array_index(set->keys, i);
        if (!ch_jwk_fits(candidate, algorithm))
            continue;
        if (only != NULL)
            return CH_KEY_AMBIGUOUS;
        only = candidate;
    }
    if (only == NULL)
        return CH_KEY_UNKNOWN;
    *key = only;
    return CH_KEY_FOUND;
}
