/* Migrates the database, then declares the topology. */
#include "chassis/messaging/migrator.h"

#include "chassis/core/process.h"

enum {
    SERVER_WAIT_MS = 60 * 1000
}; /* for a database and a broker that are just starting */

static const ChConfigKey keys[] = {
    CH_CONFIG_COMMON_KEYS,
    { "AMQP_URL", CH_CONFIG_SECRET, offsetof(ChMigratorConfig, amqp_url), NULL,
      "RabbitMQ, amqp://user:password@host:port/vhost", "amqp://" },
    { "QUEUE_TYPE", CH_CONFIG_CHOICE, offsetof(ChMigratorConfig, queue_type), "quorum",
      "type of the queues to declare", CH_QUEUE_TYPES },
};

int ch_migrator_main(const char *process, const ChMigration *migrations, size_t n,
                     const ChTopology *topology, int argc, char **argv)
{
    ChMigratorConfig config = { .amqp_url = NULL };
    int status = ch_process_init(process, "applies migrations and declares queues, then exits",
                                 keys, G_N_ELEMENTS(keys), &config, argc, argv);
    if (status >= 0)
        return status;
    g_autoptr(GError) error = NULL;
    if (!ch_migrate(config.common.database_url, migrations, n, SERVER_WAIT_MS, &error) ||
        !ch_topology_declare(config.amqp_url, topology, (ChQueueType)config.queue_type,
                             SERVER_WAIT_MS, &error))
        status = ch_process_fail(error);
    else
        status = 0;
    ch_config_clear(keys, G_N_ELEMENTS(keys), &config);
    return status;
}
