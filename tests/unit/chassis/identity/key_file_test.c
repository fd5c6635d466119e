/* Keys in a file that changes. */
#include "chassis/identity/key_file.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "signer.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = { NULL, "things:read" };
static const ChScopes scopes = { .names = names, .names_n = G_N_ELEMENTS(names) };
static const ChTokenRules rules = {
    .issuer = "i", .audience = "a", .type = "at+jwt", .owner_claim = "sub", .scopes = &scopes
};

typedef struct {
    char *folder;
    char *path;
    Signer *old;
    Signer *new;
    ChIdentity *identity;
    ChKeyFile *file;
} Fixture;

/* As a mounted secret is changed: the whole file at once. */
static void write_file(const Fixture *f, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(f->path, text, -1, &error);
    g_assert_no_error(error);
}

static void write_key(const Fixture *f, const Signer *signer)
{
    g_autofree char *jwk = signer_jwk(signer, "k", "");
    g_autofree char *json = g_strdup_printf("{\"keys\":[%s]}", jwk);
    write_file(f, json);
}

static void set_up(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) error = NULL;
    f->folder = g_dir_make_tmp("cartwheel-keys-XXXXXX", &error);
    g_assert_no_error(error);
    f->path = g_build_filename(f->folder, "jwks.json", NULL);
    f->old = signer_new_ec("P-256");
    f->new = signer_new_ec("P-256");
    f->identity = ch_identity_new(&rules);
    write_key(f, f->old);
    f->file = ch_key_file_new(f->path, f->identity, &error);
    g_assert_no_error(error);
}

static void tear_down(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    ch_key_file_free(f->file);
    ch_identity_free(f->identity);
    signer_free(f->old);
    signer_free(f->new);
    g_unlink(f->path);
    g_rmdir(f->folder);
    g_free(f->path);
    g_free(f->folder);
}

static bool knows(const Fixture *f, const Signer *signer)
{
    g_autofree char *claims = g_strdup_printf(
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"anna\",\"exp\":%" G_GINT64_FORMAT "}",
        ch_time_now_us() / G_USEC_PER_SEC + 60);
    g_autofree char *token = signer_sign(
        signer, "ES256", "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k\"}", claims);
    g_autoptr(ChCaller) caller = NULL;
    const char *why = NULL;
    return ch_identity_ask(f->identity, token, strlen(token), true, &caller, &why) ==
           CH_IDENTITY_KNOWN;
}

static void test_new_keys_are_read(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_assert_true(knows(f, f->old));
    write_key(f, f->new);
    ch_key_file_look(f->file);
    g_assert_true(knows(f, f->new));
    g_assert_false(knows(f, f->old));
}

static void test_what_is_of_no_use_changes_nothing(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    static const char *const texts[] = { "", "{", "{\"keys\":[]}", "{\"keys\":[{}]}" };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        write_file(f, texts[i]);
        ch_key_file_look(f->file);
        g_assert_true(knows(f, f->old));
    }
    write_key(f, f->new);
    ch_key_file_look(f->file);
    g_assert_true(knows(f, f->new));
}

static void test_a_file_may_be_away_for_a_while(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_unlink(f->path);
    ch_key_file_look(f->file);
    ch_key_file_look(f->file);
    g_assert_true(knows(f, f->old));
    write_key(f, f->new);
    ch_key_file_look(f->file);
    g_assert_true(knows(f, f->new));
}

static void test_at_the_start_it_must_be_of_use(Fixture *f, gconstpointer unused G_GNUC_UNUSED)
{
    g_autoptr(GError) broken = NULL;
    g_autoptr(GError) missing = NULL;
    write_file(f, "{}");
    g_assert_null(ch_key_file_new(f->path, f->identity, &broken));
    g_assert_error(broken, CH_ERROR, CH_ERROR_CONFIG);
    g_assert_cmpstr(broken->message, ==,
                    "AUTH_JWKS_FILE must be a file with the keys of the issuer (JWKS): the key set "
                    "has no list of keys");
    g_assert_null(ch_key_file_new("/nowhere", f->identity, &missing));
    g_assert_error(missing, CH_ERROR, CH_ERROR_CONFIG);
}

static void add(const char *name, void (*test)(Fixture *, gconstpointer))
{
    g_test_add(name, Fixture, NULL, set_up, test, tear_down);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    ch_log_set_output(nowhere);
    add("/key-file/new-keys-are-read", test_new_keys_are_read);
    add("/key-file/what-is-of-no-use-changes-nothing", test_what_is_of_no_use_changes_nothing);
    add("/key-file/may-be-away-for-a-while", test_a_file_may_be_away_for_a_while);
    add("/key-file/at-the-start-it-must-be-of-use", test_at_the_start_it_must_be_of_use);
    int status = g_test_run();
    close(nowhere);
    return status;
}
