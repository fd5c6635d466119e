/* Mail addresses: what is one, how people write them, how they stand in a mail. */
#include "chassis/client/mail_address.h"

#include <glib.h>

static void test_addresses(void)
{
    static const char *const good[] = { "a@b", "first.last+tag@sub.example.com",
                                        "customer01234567@example.com", "x_y'z=%@a-b.c",
                                        /* what providers have handed out */
                                        ".a@b", "a.@b", "a..b@c", "-a-@b", "o'hara/sales@b" };
    static const char *const bad[] = {
        "",        "a",       "@b",          "a@",      "a@b@c",      "a b@c",          "a@b c",
        "a@b,c@d", "a@b;c@d", "<a@b>",       "A <a@b>", "\"a\"@b",    "a@b\r\nX:",      "a\rb@c",
        "a\nb@c",  "a@b\n",   ".@b",         "..@b",    "a@.b",       "a@b.",           "a@b..c",
        "a@-b",    "a@b-",    "a@[1.2.3.4]", "a@b\x7f", "\xc3\xa4@b", "a@\xe2\x80\xa8", "a(b)@c",
        "a\\@b",
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

static void assert_clean(const char *written, const char *expected)
{
    g_autofree char *address = ch_mail_address_clean(written);
    g_test_message("%s", written);
    g_assert_cmpstr(address, ==, expected);
}

static void test_clean(void)
{
    assert_clean("ada@example.org", "ada@example.org");
    assert_clean("  ada@example.org \t\r\n", "ada@example.org");
    assert_clean("\u00a0ada@example.org\u200b\ufeff", "ada@example.org");
    assert_clean("ada@example.org.", "ada@example.org");
    assert_clean("Ada.Lovelace+shop@Example.ORG", "Ada.Lovelace+shop@Example.ORG");
    assert_clean("taro..y.@docomo.ne.jp", "taro..y.@docomo.ne.jp");
    assert_clean("", NULL);
    assert_clean(" @ ", NULL);
    assert_clean("ada", NULL);
    assert_clean("ada @example.org", NULL);
    assert_clean("ada@example.org..", NULL);
    assert_clean("ada@example.org, eve@example.org", NULL);
    assert_clean("ada@example.org\r\nBcc: all@example.org", NULL);
    assert_clean("Ada <ada@example.org>", NULL);
}

static void test_international_domains(void)
{
    assert_clean("info@m\u00fcller.example", "info@xn--mller-kva.example");
    assert_clean("info@M\u00dcLLER.example", "info@xn--mller-kva.example");
    assert_clean("info@mu\u0308ller.example", "info@xn--mller-kva.example"); /* two characters */
    assert_clean("info@stra\u00dfe.example",
                 "info@xn--strae-oqa.example"); /* not strasse: another */
    assert_clean("info@\u4f8b\u3048.\u30c6\u30b9\u30c8", "info@xn--r8jz45g.xn--zckzah");
    assert_clean("info@xn--mller-kva.example", "info@xn--mller-kva.example");
    assert_clean("info@a\u2028b.example", NULL);
    assert_clean("info@\u00fc..example", NULL);
    assert_clean("m\u00fcller@example.org", NULL); /* that part has no other way to be written */
    g_autofree char *label = g_strnfill(70, 'a');
    g_autofree char *too_long = g_strconcat("info@\u00fc", label, ".example", NULL);
    assert_clean(too_long, NULL);
}

static void test_quoted(void)
{
    static const char *const cases[][2] = {
        { "ada@b", "ada@b" },       { "a.d.a@b", "a.d.a@b" },     { ".ada@b", "\".ada\"@b" },
        { "ada.@b", "\"ada.\"@b" }, { "a..da@b", "\"a..da\"@b" },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *quoted = ch_mail_address_quoted(cases[i][0]);
        g_assert_cmpstr(quoted, ==, cases[i][1]);
    }
}

static void test_senders(void)
{
    static const struct {
        const char *written;
        const char *name;
        const char *address;
    } cases[] = {
        { "orders@example.com", NULL, "orders@example.com" },
        { " <orders@example.com> ", NULL, "orders@example.com" },
        { "My Shop <orders@example.com>", "My Shop", "orders@example.com" },
        { "Shop, Inc. <orders@example.com>", "Shop, Inc.", "orders@example.com" },
        { "\"The \\\"Shop\\\"\" <orders@example.com>", "The \"Shop\"", "orders@example.com" },
        { "\"<Shop>\" <orders@example.com>", "<Shop>", "orders@example.com" },
        { "Caf\u00e9<orders@caf\u00e9.example>", "Caf\u00e9", "orders@xn--caf-dma.example" },
    };
    static const char *const bad[] = {
        "",        "Shop",         "Shop <>",       "Shop <orders>", "<a@b> Shop",
        "<a@b",    "a@b>",         "Shop <<a@b>>",  "\"Shop <a@b>",  "Sh\"op <a@b>",
        "a@b c@d", "Shop\" <a@b>", "x <a@b> <c@d>", "\"a\" b <c@d>",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *name = NULL;
        g_autofree char *address = NULL;
        g_test_message("%s", cases[i].written);
        g_assert_true(ch_mail_sender_parse(cases[i].written, &name, &address));
        g_assert_cmpstr(name, ==, cases[i].name);
        g_assert_cmpstr(address, ==, cases[i].address);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        char *name = NULL;
        char *address = NULL;
        g_test_message("%s", bad[i]);
        g_assert_false(ch_mail_sender_parse(bad[i], &name, &address));
        g_assert_null(address);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mail-address/valid", test_addresses);
    g_test_add_func("/mail-address/clean", test_clean);
    g_test_add_func("/mail-address/international-domains", test_international_domains);
    g_test_add_func("/mail-address/quoted", test_quoted);
    g_test_add_func("/mail-address/senders", test_senders);
    return g_test_run();
}
