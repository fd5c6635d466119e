/* The file is read once more when it is another one. */
#include "chassis/identity/key_file.h"

#include "chassis/core/file_mark.h"
#include "chassis/core/log.h"

struct ChKeyFile {
    char *path;
    ChIdentity *identity;
    ChFileMark mark; /* of the file that was read last, of use or not */
    bool away;       /* it could not be looked at; logged */
};

static ChKeySet *read_keys(const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize bytes = 0;
    if (!g_file_get_contents(path, &text, &bytes, error))
        return NULL;
    return ch_key_set_parse(text, bytes, error);
}

ChKeyFile *ch_key_file_new(const char *path, ChIdentity *identity, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(ChKeyFile) file = g_new0(ChKeyFile, 1);
    file->path = g_strdup(path);
    file->identity = identity;
    file->away =
        !ch_file_mark_take(path, &file->mark); /* before reading: a change meanwhile is seen */
    ChKeySet *keys = read_keys(path, &why);
    if (keys == NULL) {
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG,
                    "AUTH_JWKS_FILE must be a file with the keys of the issuer (JWKS): %s",
                    why->message);
        return NULL;
    }
    ch_identity_set_keys(identity, keys);
    return g_steal_pointer(&file);
}

void ch_key_file_free(ChKeyFile *file)
{
    if (file == NULL)
        return;
    g_free(file->path);
    g_free(file);
}

static void use_again(ChKeyFile *file)
{
    g_autoptr(GError) error = NULL;
    ChKeySet *keys = read_keys(file->path, &error);
    if (keys == NULL) {
        ch_log_warning("the new keys are of no use: the old ones stay", CH_ERR(error));
        return;
    }
    ch_log_info("keys of the issuer read", CH_INT("keys", ch_key_set_count(keys)));
    ch_identity_set_keys(file->identity, keys);
}

void ch_key_file_look(ChKeyFile *file)
{
    ChFileMark now;
    if (!ch_file_mark_take(file->path, &now)) {
        if (!file->away)
            ch_log_warning("the file of the issuer's keys is away: the old keys stay");
        file->away = true;
        return;
    }
    if (!file->away && ch_file_mark_same(&now, &file->mark))
        return;
    file->away = false;
    file->mark = now;
    use_again(file);
}
