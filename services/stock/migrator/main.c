/* stock-migrator: the stock database's schema and the stock service's queues. */
#include "chassis/runtime/migrator.h"
#include "stock/infrastructure/topology.h"
#include "stock_migrations.h"

int main(int argc, char **argv)
{
    return ch_migrator_main("stock-migrator", stock_migrations, stock_migrations_count,
                            &stock_topology, argc, argv);
}
