/* Mail addresses: what is one. */
#include "chassis/client/mail_address.h"

#include <glib.h>

static void test_addresses(void)
{
    static const char *const good[] = { "a@b", "first.last+tag@sub.example.com",
                                        "customer01234567@example.com", "x_y'z=%@a-b.c" };
    static const char *const bad[] = {
        "",        "a",       "@b",    "a@",          "a@b@c",   "a b@c",      "a@b c",
        "a@b,c@d", "a@b;c@d", "<a@b>", "A <a@b>",     "\"a\"@b", "a@b\r\nX:",  "a\rb@c",
        "a\nb@c",  "a@b\n",   ".a@b",  "a.@b",        "a..b@c",  "a@.b",       "a@b.",
        "a@b..c",  "a@-b",    "a@b-",  "a@[1.2.3.4]", "a@b\x7f", "\xc3\xa4@b", "a@\xe2\x80\xa8",
        "a(b)@c",  "a\\@b",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(ch_mail_address_valid(good[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_test_message("%s", bad[i]);
        g_assert_false(ch_mail_address_valid(bad[i]));
    }
    g_autofree char *local = g_strnfill(65, 'a');
    g_autofree char *long_local = g_strconcat(local, "@b", NULL);
    g_autofree char *domain = g_strnfill(64, 'a');
    g_autofree char *long_label = g_strconcat("a@", domain, NULL);
    g_assert_false(ch_mail_address_valid(long_local));
    g_assert_false(ch_mail_address_valid(long_label));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mail-address/valid", test_addresses);
    return g_test_run();
}
