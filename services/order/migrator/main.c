/* order-migrator: the order database's schema and the order service's queues. */
#include "chassis/runtime/migrator.h"
#include "order/infrastructure/topology.h"
#include "order_migrations.h"

int main(int argc, char **argv)
{
    return ch_migrator_main("order-migrator", order_migrations, order_migrations_count,
                            &order_topology, argc, argv);
}
