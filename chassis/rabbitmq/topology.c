/* Declares what a service owns on the broker. */
#include "chassis/rabbitmq/topology.h"

#include "chassis/core/log.h"
#include "chassis/core/time.h"
#include "chassis/rabbitmq/connection.h"
#include "chassis/rabbitmq/declare.h"

enum {
    CONNECT_PAUSE_MS = 200
};

static amqp_connection_state_t open_until(const ChAmqpConfig *broker, int64_t deadline_us,
                                          GError **error)
{
    for (bool first = true;; first = false) {
        g_autoptr(GError) why = NULL;
        amqp_connection_state_t connection = ch_amqp_open(broker, "migrator", &why);
        if (connection != NULL)
            return connection;
        if (!ch_error_is_unavailable(why) || ch_time_monotonic_us() >= deadline_us) {
            g_propagate_error(error, g_steal_pointer(&why));
            return NULL;
        }
        if (first)
            ch_log_info("waiting for the broker", CH_ERR(why));
        g_usleep(CONNECT_PAUSE_MS * 1000);
    }
}

bool ch_topology_declare(const ChAmqpConfig *broker, const ChTopology *topology, ChQueueKind kind,
                         int wait_ms, GError **error)
{
    int64_t deadline_us = ch_time_monotonic_us() + INT64_C(1000) * wait_ms;
    amqp_connection_state_t connection = open_until(broker, deadline_us, error);
    if (connection == NULL)
        return false;
    bool ok =
        topology->exchange == NULL || ch_declare_exchange(connection, topology->exchange, error);
    bool keeps_rejected = false;
    for (size_t i = 0; ok && i < topology->n_queues; i++)
        ok = ch_declare_queue(connection, &topology->queues[i], kind, &keeps_rejected, error);
    ch_amqp_close(connection);
    if (ok)
        ch_log_info("topology is declared", CH_INT("queues", topology->n_queues));
    return ok;
}
