/* What a subscription may be. */
#include "notification/application/subscriptions.h"

#include <string.h>

static size_t faults_of(const char *url, const char *secret)
{
    g_autoptr(ChViolations) violations = ch_violations_new();
    const NotificationSubscription subscription = { .url = (char *)url, .secret = (char *)secret };
    notification_subscription_check(&subscription, violations);
    return ch_violations_count(violations);
}

static void test_urls(void)
{
    static const char *const good[] = {
        "https://shop.example",
        "https://shop.example/",
        "https://shop.example:8443/a?b=c",
        "https://10.0.0.1/x",
        "https://a?b",
        "https://shop.example:65535",
        "https://xn--mller-kva.example/%20~",
    };
    static const char *const bad[] = {
        "",
        "http://shop.example",
        "https://",
        "https:///path",
        "https://.example",
        "https://shop.example.",
        "https://user@shop.example",
        "https://user:secret@shop.example",
        "https://shop.example#part",
        "https://shop.example/#part",
        "https://shop.example/a b",
        "https://shop.example/\xc3\xa4",
        "https://shop.example:",
        "https://shop.example:0",
        "https://shop.example:65536",
        "https://shop.example:999999",
        "https://shop.example:80x",
        "https://[::1]/",
        "https://shop.example\\x",
        "https://shop.example/\r\nHost: other",
        "ftp://shop.example",
        "HTTPS://shop.example",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        if (faults_of(good[i], NULL) != 0)
            g_error("%s is one", good[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        if (faults_of(bad[i], NULL) != 1)
            g_error("%s is none", bad[i]);
    }
}

static char *secret_of(size_t bytes)
{
    g_autofree uint8_t *key = g_malloc(bytes);
    memset(key, 0xa5, bytes);
    g_autofree char *text = g_base64_encode(key, bytes);
    return g_strconcat("whsec_", text, NULL);
}

static void test_secrets_are_of_24_to_64_bytes(void)
{
    for (size_t bytes = 1; bytes <= 70; bytes++) {
        g_autofree char *secret = secret_of(bytes);
        size_t n = 0;
        g_autofree uint8_t *key = notification_secret_bytes(secret, &n);
        g_assert_cmpint(key != NULL, ==, bytes >= 24 && bytes <= 64);
        if (key != NULL)
            g_assert_cmpuint(n, ==, bytes);
        g_assert_cmpuint(faults_of("https://a", secret), ==, key == NULL ? 1 : 0);
    }
}

static void test_secrets_are_base64(void)
{
    static const char *const bad[] = {
        "",
        "whsec_",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec-MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw=",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La aSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwB===",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        size_t n = 0;
        g_autofree uint8_t *key = notification_secret_bytes(bad[i], &n);
        if (key != NULL)
            g_error("%s is none", bad[i]);
    }
}

static void test_new_secrets(void)
{
    g_autofree char *one = notification_secret_new();
    g_autofree char *other = notification_secret_new();
    g_assert_cmpuint(faults_of("https://a", one), ==, 0);
    g_assert_cmpstr(one, !=, other);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/subscriptions/urls", test_urls);
    g_test_add_func("/subscriptions/secrets/length", test_secrets_are_of_24_to_64_bytes);
    g_test_add_func("/subscriptions/secrets/base64", test_secrets_are_base64);
    g_test_add_func("/subscriptions/secrets/new", test_new_secrets);
    return g_test_run();
}
