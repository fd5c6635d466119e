/* Where the broker is, and how it and we prove who we are: what every connection to it is made by.
 */
#pragma once

#include "chassis/core/config.h"

/** Filled from CH_AMQP_KEYS. A file that is not given is empty or NULL. */
typedef struct {
    char *url;       /* amqp[s]://user:password@host:port/vhost; never logged */
    char *ca_file;   /* PEM: whose word we take for a broker; none: whom the system trusts */
    char *cert_file; /* PEM with its chain: what we show; none: nothing */
    char *key_file;  /* PEM without a password: the key of cert_file */
} ChAmqpConfig;

/* clang-format off */
/** The keys of @type's field @field, a ChAmqpConfig. */
#define CH_AMQP_KEYS(type, field)                                                                  \
    CH_CONFIG_KEY("AMQP_URL", CH_CONFIG_SECRET, type, field.url, NULL,                             \
                  "RabbitMQ, amqp[s]://user:password@host:port/vhost", "amqp://|amqps://"),        \
    CH_CONFIG_KEY("AMQP_CA_FILE", CH_CONFIG_TEXT, type, field.ca_file, "",                         \
                  "amqps: PEM file of the broker's CA; empty: the system's CAs", NULL),            \
    CH_CONFIG_KEY("AMQP_CERT_FILE", CH_CONFIG_TEXT, type, field.cert_file, "",                     \
                  "amqps: PEM file of our certificate and its chain, where the broker asks for one", \
                  NULL),                                                                           \
    CH_CONFIG_KEY("AMQP_KEY_FILE", CH_CONFIG_TEXT, type, field.key_file, "",                       \
                  "amqps: PEM file of its key, without a password", NULL)
/* clang-format on */
