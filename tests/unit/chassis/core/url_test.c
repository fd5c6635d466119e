/* URLs of settings: which are taken, and that no secret of theirs is shown. */
#include "chassis/core/url.h"

#include <glib.h>

static void test_valid(void)
{
    static const char *const good[] = {
        "http://host",
        "https://host:8443/base/",
        "smtp://127.0.0.1:25",
        "smtps://user:p%40ss@mail.example.com:465",
        "http://user@[::1]:80/a?key=1#x",
        "https://host/%40team/customers",
    };
    static const char *const bad[] = {
        "",
        "host",
        "http:/host",
        "http://",
        "http://:80/",
        "http://user:pass@",
        "http://user:100%@host",        /* a % that encodes nothing */
        "http://user:p@ss@host",        /* where does the host begin? */
        "http://user:12/34@host",       /* a password with a slash reads as port and path */
        "http://host/@team",            /* and so this cannot be told from it */
        "http://user:se#cret@host:80/", /* nor this */
        "user:pass@host://x",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_test_message("%s", good[i]);
        g_assert_true(ch_url_valid(good[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("%s", bad[i]);
        g_assert_false(ch_url_valid(bad[i]));
    }
}

static void test_masked(void)
{
    static const struct {
        const char *url;
        const char *shown;
        bool has_login;
    } cases[] = {
        { "http://host", "http://host", false },
        { "https://host:8443/base/", "https://host:8443/base/", false },
        { "http://user:hush@host:80/a/b", "http://***@host:80/a/b", true },
        { "smtp://user@[::1]:25", "smtp://***@[::1]:25", true },
        { "smtps://:hush@mail:465", "smtps://***@mail:465", true },
        { "https://host/hook?key=hush", "https://host/hook?***", false },
        { "https://u:hush@host#hush", "https://***@host?***", true },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *shown = ch_url_masked(cases[i].url);
        g_assert_true(ch_url_valid(cases[i].url));
        g_assert_cmpstr(shown, ==, cases[i].shown);
        g_assert_true(ch_url_has_login(cases[i].url) == cases[i].has_login);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/url/valid", test_valid);
    g_test_add_func("/url/masked", test_masked);
    return g_test_run();
}
