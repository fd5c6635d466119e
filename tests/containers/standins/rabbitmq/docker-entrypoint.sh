#!/bin/bash
# Writes settings, becomes the broker.
set -euo pipefail

{
    echo "log.console = true"
    echo "log.file = false"
    echo "loopback_users.guest = false"
} > /etc/rabbitmq/conf.d/10-defaults.conf
chown -R rabbitmq:rabbitmq /var/lib/rabbitmq /etc/rabbitmq/conf.d/10-defaults.conf
# RUNNING_UNDER_SYSTEMD makes the start script become the broker, so that signals reach it.
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups env RUNNING_UNDER_SYSTEMD=true "$@"
