/* Whose address is it? */
#include "chassis/client/public_address.h"

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return ch_address_is_public((const struct sockaddr *)&v4);
    g_assert_cmpint(inet_pton(AF_INET6, text, &v6.sin6_addr), ==, 1);
    return ch_address_is_public((const struct sockaddr *)&v6);
}

static void test_public(void)
{
    static const char *const addresses[] = {
        "1.1.1.1",          "9.255.255.255",
        "11.0.0.0",         "100.63.255.255",
        "100.128.0.0",      "126.0.0.1",
        "128.0.0.1",        "169.253.255.255",
        "172.15.255.255",   "172.32.0.0",
        "192.0.1.0",        "192.167.0.1",
        "192.169.0.0",      "198.17.255.255",
        "198.20.0.0",       "223.0.0.1",
        "2606:4700::1",     "::ffff:1.1.1.1",
        "64:ff9b::101:101", "2002:101:101::1",
        "2a00::1",          "2001:4860:4860::8888",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
        if (!is_public(addresses[i]))
            g_error("%s is public", addresses[i]);
    }
}

static void test_not_public(void)
{
    static const char *const addresses[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
        "2001:db8::1",
        "2001::1",
        "64:ff9b:1::1",
        "100::1",
        "3fff::1",
        "5f00::1",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(addresses); i++) {
        if (is_public(addresses[i]))
            g_error("%s is not public", addresses[i]);
    }
}

static void test_other_families(void)
{
    const struct sockaddr address = { .sa_family = AF_UNIX };
    g_assert_false(ch_address_is_public(&address));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/public-address/public", test_public);
    g_test_add_func("/public-address/not-public", test_not_public);
    g_test_add_func("/public-address/other-families", test_other_families);
    return g_test_run();
}
