/* notification-migrator: the notification database's schema and the notification service's queues.
 */
#include "chassis/runtime/migrator.h"
#include "notification/infrastructure/topology.h"
#include "notification_migrations.h"

int main(int argc, char **argv)
{
    return ch_migrator_main("notification-migrator", notification_migrations,
                            notification_migrations_count, &notification_topology, argc, argv);
}
