/* What every service's migrator does. */
#pragma once

#include "chassis/postgres/migrations.h"
#include "chassis/rabbitmq/topology.h"
#include "chassis/runtime/settings.h"

typedef struct {
    ChConfigCommon common;
    ChAmqpConfig amqp;
    int queue_type;                /* ChQueueType */
    int broker_shape;              /* ChShape */
    const ChMigration *migrations; /* what follows is no setting: the service's own, borrowed */
    size_t n_migrations;
    const ChTopology *topology;
} ChMigratorConfig;

/** Reads the configuration, applies @migrations, declares @topology; the process's whole main().
 * Returns its exit status: 0, 1 with the reason in the log, 2 for a bad setting. */
int ch_migrator_main(const char *process, const ChMigration *migrations, size_t n,
                     const ChTopology *topology, int argc, char **argv);
