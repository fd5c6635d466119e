#!/bin/bash
# Writes the settings that the variables stand for, becomes the broker.
set -euo pipefail

{
    echo "log.console = true"
    echo "log.file = false"
    echo "loopback_users.guest = false"
    echo "default_user = ${RABBITMQ_DEFAULT_USER:-guest}"
    echo "default_pass = ${RABBITMQ_DEFAULT_PASS:-guest}"
    echo "default_vhost = ${RABBITMQ_DEFAULT_VHOST:-/}"
} > /etc/rabbitmq/conf.d/10-defaults.conf
chown -R rabbitmq:rabbitmq /var/lib/rabbitmq /etc/rabbitmq/conf.d/10-defaults.conf
# RUNNING_UNDER_SYSTEMD makes the start script become the broker, so that signals reach it.
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups env RUNNING_UNDER_SYSTEMD=true "$@"
