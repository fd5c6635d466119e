/* What the settings of TLS to the broker must say together, before anything connects. */
#include "chassis/rabbitmq/broker_check.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define PLAIN "amqp://user:secret@localhost/vhost"
#define TLS "amqps://user:secret@localhost/vhost"

/* A file with @text; free with g_free() after g_unlink(). */
static char *must_write(const char *text)
{
    char *path = NULL;
    int fd = g_file_open_tmp("connection-XXXXXX", &path, NULL);
    g_assert_cmpint(fd, >=, 0);
    close(fd);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

static bool check(const char *url, const char *ca, const char *cert, const char *key,
                  GError **error)
{
    const ChAmqpConfig config = { (char *)url, (char *)ca, (char *)cert, (char *)key };
    return ch_amqp_check_config(&config, error);
}

static void assert_refused(const char *url, const char *ca, const char *cert, const char *key,
                           const char *variable)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(check(url, ca, cert, key, &error));
    g_assert_error(error, CH_ERROR, CH_ERROR_CONFIG);
    g_assert_true(g_str_has_prefix(error->message, variable));
    g_assert_null(strchr(error->message, '\n'));
    g_assert_null(strstr(error->message, "secret"));
}

static void test_plain_needs_nothing(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(check(PLAIN, "", "", "", &error));
    g_assert_no_error(error);
}

static void test_an_url_is_read_before_anything_starts(void)
{
    static const char *const urls[] = {
        "amqp://user:secret@localhost:99999/vhost",
        "amqp://user:secret@localhost:port/vhost",
        "amqp://user:secret%zz@localhost/vhost",
        "amqps://user:secret@localhost/vhost/more",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(urls); i++)
        assert_refused(urls[i], "", "", "", "AMQP_URL");
}

static void test_tls_trusts_the_system_by_default(void)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(check(TLS, "", NULL, NULL, &error));
    g_assert_no_error(error);
}

static void test_certificates_are_not_for_plaintext(void)
{
    assert_refused(PLAIN, "ca.pem", "", "", "AMQP_CA_FILE");
    assert_refused(PLAIN, "", "cert.pem", "key.pem", "AMQP_CERT_FILE");
}

static void test_certificate_and_key_go_together(void)
{
    assert_refused(TLS, "", "cert.pem", "", "AMQP_CERT_FILE");
    assert_refused(TLS, "", "", "key.pem", "AMQP_KEY_FILE");
}

static void test_files_must_be_there_and_be_pem(void)
{
    g_autofree char *text = must_write("no certificate\n");
    assert_refused(TLS, "/nonexistent/ca.pem", "", "",
                   "AMQP_CA_FILE is \"/nonexistent/ca.pem\": expected a readable PEM file "
                   "of CA certificates (No such file or directory)");
    assert_refused(TLS, text, "", "", "AMQP_CA_FILE");
    assert_refused(TLS, "", "/nonexistent/cert.pem", text, "AMQP_CERT_FILE");
    assert_refused(TLS, "", text, text, "AMQP_CERT_FILE");
    g_unlink(text);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broker-check/an-url-is-read-before-anything-starts",
                    test_an_url_is_read_before_anything_starts);
    g_test_add_func("/broker-check/plain-needs-nothing", test_plain_needs_nothing);
    g_test_add_func("/broker-check/tls-trusts-the-system-by-default",
                    test_tls_trusts_the_system_by_default);
    g_test_add_func("/broker-check/certificates-are-not-for-plaintext",
                    test_certificates_are_not_for_plaintext);
    g_test_add_func("/broker-check/certificate-and-key-go-together",
                    test_certificate_and_key_go_together);
    g_test_add_func("/broker-check/files-must-be-there-and-be-pem",
                    test_files_must_be_there_and_be_pem);
    return g_test_run();
}
