/* Migrates the database, then declares the topology. */
#include "chassis/runtime/migrator.h"

#include "chassis/rabbitmq/broker_check.h"
#include "chassis/runtime/process.h"

enum {
    SERVER_WAIT_MS = 60 * 1000
}; /* for a database and a broker that are just starting */

static const ChConfigKey keys[] = {
    CH_CONFIG_COMMON_KEYS,
    CH_AMQP_KEYS(ChMigratorConfig, amqp),
    { "QUEUE_TYPE", CH_CONFIG_CHOICE, offsetof(ChMigratorConfig, queue_type), "quorum",
      "type of the queues to declare", CH_QUEUE_TYPES },
    { "BROKER_SHAPE", CH_CONFIG_CHOICE, offsetof(ChMigratorConfig, broker_shape), "cartwheel",
      "how to declare the queues that .NET services declare too", CH_SHAPES },
};

static bool check(const void *config, GError **error)
{
    return ch_amqp_check_config(&((const ChMigratorConfig *)config)->amqp, error);
}

static bool run(const void *opaque, GError **error)
{
    const ChMigratorConfig *config = opaque;
    const ChQueueKind kind = { (ChShape)config->broker_shape, (ChQueueType)config->queue_type };
    return ch_process_end_at_signal(error) &&
           ch_migrate(config->common.database_url, config->migrations, config->n_migrations,
                      SERVER_WAIT_MS, error) &&
           ch_topology_declare(&config->amqp, config->topology, kind, SERVER_WAIT_MS, error);
}

int ch_migrator_main(const char *process, const ChMigration *migrations, size_t n,
                     const ChTopology *topology, int argc, char **argv)
{
    ChMigratorConfig config = {
        .migrations = migrations,
        .n_migrations = n,
        .topology = topology,
    };
    const ChProcess migrator = {
        .name = process,
        .purpose = "applies migrations and declares queues, then exits",
        .keys = keys,
        .keys_n = G_N_ELEMENTS(keys),
        .check = check,
        .run = run,
    };
    return ch_process_main(&migrator, &config, argc, argv);
}
