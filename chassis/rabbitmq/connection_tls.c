/* TLS by rabbitmq-c's socket and OpenSSL's verification. */
#include "chassis/rabbitmq/connection_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

/* The cause that OpenSSL noted first on this thread, NULL when there is none; forgets all. */
static const char *take_cause(void)
{
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0)
        return NULL;
    return ERR_SYSTEM_ERROR(code) ? g_strerror(ERR_GET_REASON(code))
                                  : ERR_reason_error_string(code);
}

static bool bad_file(const char *name, const char *path, const char *expected, GError **error)
{
    const char *cause = take_cause();
    g_autofree char *quoted = g_strescape(path, NULL);
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s is \"%s\": expected %s (%s)", name, quoted,
                expected, cause != NULL ? cause : "it is neither");
    return false;
}

static bool load_ca(amqp_socket_t *socket, SSL_CTX *context, const ChAmqpConfig *config,
                    GError **error)
{
    if (!ch_amqp_is_given(config->ca_file)) {
        SSL_CTX_set_default_verify_paths(context); /* without any CA nobody is trusted */
        return true;
    }
    return amqp_ssl_socket_set_cacert(socket, config->ca_file) == AMQP_STATUS_OK ||
           bad_file("AMQP_CA_FILE", config->ca_file, "a readable PEM file of CA certificates",
                    error);
}

static bool load_certificate(amqp_socket_t *socket, SSL_CTX *context, const ChAmqpConfig *config,
                             GError **error)
{
    if (!ch_amqp_is_given(config->cert_file))
        return true;
    if (SSL_CTX_use_certificate_chain_file(context, config->cert_file) != 1)
        return bad_file("AMQP_CERT_FILE", config->cert_file, "a readable PEM file of a certificate",
                        error);
    /* OpenSSL would ask the terminal for the password of a key that has one. */
    amqp_ssl_socket_set_key_passwd(socket, "");
    return SSL_CTX_use_PrivateKey_file(context, config->key_file, SSL_FILETYPE_PEM) == 1 ||
           bad_file("AMQP_KEY_FILE", config->key_file,
                    "a readable PEM file of the certificate's key, without a password", error);
}

/* Keeps the fault that the handshake ends for: the library tells only that there was one. */
static int note_fault(int ok, X509_STORE_CTX *verification)
{
    if (ok == 1)
        return 1;
    SSL *ssl = X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
    SSL_CTX_set_app_data(SSL_get_SSL_CTX(ssl),
                         GINT_TO_POINTER(X509_STORE_CTX_get_error(verification)));
    return 0;
}

/* OpenSSL checks the chain and the name during the handshake, so that a wrong peer gets an alert
 * and nothing else. The library's own check of the name, afterwards, knows no addresses
 * before rabbitmq-c 0.14. */
static void demand_identity(amqp_socket_t *socket, SSL_CTX *context, const char *host)
{
    X509_VERIFY_PARAM *wanted = SSL_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool is_address = X509_VERIFY_PARAM_set1_ip_asc(wanted, host) == 1;
    if (!is_address)
        X509_VERIFY_PARAM_set1_host(wanted, host, strlen(host));
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, is_address ? 0 : 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_fault);
}

amqp_socket_t *ch_amqp_tls_socket(amqp_connection_state_t connection, const ChAmqpConfig *config,
                                  const char *host, GError **error)
{
    amqp_socket_t *socket = amqp_ssl_socket_new(connection);
    if (socket == NULL) {
        const char *cause = take_cause();
        g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "OpenSSL does not start: %s",
                    cause != NULL ? cause : "it does not say why");
        return NULL;
    }
    SSL_CTX *context = amqp_ssl_socket_get_context(socket);
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION); /* rabbitmq-c before 0.12: any */
    /* What was received is in the kernel or in rabbitmq-c's buffer, never in OpenSSL's: a record is
     * read off the socket when it is wanted, and whole. So poll() tells the truth. */
    SSL_CTX_set_read_ahead(context, 0);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (!load_ca(socket, context, config, error) ||
        !load_certificate(socket, context, config, error))
        return NULL;
    demand_identity(socket, context, host);
    ERR_clear_error();
    return socket;
}

const char *ch_amqp_tls_reason(amqp_socket_t *socket, int status)
{
    const char *cause = take_cause();
    if (status != AMQP_STATUS_SSL_ERROR && status != AMQP_STATUS_SSL_CONNECTION_FAILED)
        return NULL;
    if (socket == NULL)
        return cause;
    int fault =
        GPOINTER_TO_INT(SSL_CTX_get_app_data((SSL_CTX *)amqp_ssl_socket_get_context(socket)));
    return fault != X509_V_OK ? X509_verify_cert_error_string(fault) : cause;
}
