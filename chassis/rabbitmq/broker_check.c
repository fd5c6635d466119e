/* What contradicts itself, and files that TLS cannot use. */
#include "chassis/rabbitmq/broker_check.h"

#include "chassis/rabbitmq/connection.h"
#include "chassis/rabbitmq/connection_tls.h"

static bool contradiction(const char *given, const char *missing, GError **error)
{
    g_set_error(error, CH_ERROR, CH_ERROR_CONFIG, "%s is set: expected %s too", given, missing);
    return false;
}

/* Loads the files as a connection would. */
static bool check_files(const ChAmqpConfig *config, GError **error)
{
    amqp_connection_state_t connection = amqp_new_connection();
    g_assert(connection != NULL);
    bool ok = ch_amqp_tls_socket(connection, config, "localhost", error) != NULL;
    ch_amqp_drop(connection);
    return ok;
}

bool ch_amqp_check_config(const ChAmqpConfig *config, GError **error)
{
    g_autofree char *copy = g_strdup(config->url);
    struct amqp_connection_info info;
    bool has_cert = ch_amqp_is_given(config->cert_file);
    bool has_key = ch_amqp_is_given(config->key_file);
    if (!ch_amqp_parse_url(copy, &info, error))
        return false;
    if (has_cert != has_key)
        return contradiction(has_cert ? "AMQP_CERT_FILE" : "AMQP_KEY_FILE",
                             has_cert ? "AMQP_KEY_FILE" : "AMQP_CERT_FILE", error);
    if (g_str_has_prefix(config->url, "amqps://"))
        return check_files(config, error);
    if (ch_amqp_is_given(config->ca_file) || has_cert)
        return contradiction(has_cert ? "AMQP_CERT_FILE" : "AMQP_CA_FILE", "AMQP_URL with amqps://",
                             error);
    return true;
}
