#!/bin/sh
# Starts the broker with a user for each service and one for operators. Their passwords come from the environment, which
# no file of definitions can name; what each user may touch is in permissions.json. RabbitMQ reads both at every start.
#   broker.sh FOLDER COMMAND...    FOLDER: where the definitions go
set -eu
folder=$1
shift

user() { printf '%s{"name": "%s", "password": "%s", "tags": "%s"}' "$separator" "$1" "$2" "$3"; separator=', '; }

definitions() {
    separator=
    printf '{"vhosts": [{"name": "cartwheel"}], "users": ['
    user "$OPERATOR" "$OPERATOR_PASSWORD" administrator # of the management page, which listens on 127.0.0.1
    for name in $(env | sed -n 's/^\([A-Z_]*\)_BROKER_PASSWORD=.*/\1/p'); do
        eval "password=\$${name}_BROKER_PASSWORD"
        user "$(printf '%s' "$name" | tr '[:upper:]' '[:lower:]')" "$password" ''
    done
    printf '], "permissions": [{"user": "%s", "vhost": "cartwheel", ' "$OPERATOR"
    printf '"configure": ".*", "write": ".*", "read": ".*"}]}\n'
}

mkdir -p -m 0700 "$folder"
definitions > "$folder/10-users.json"
cat "$(dirname "$0")/permissions.json" > "$folder/20-permissions.json"
[ "$(id -u)" -ne 0 ] || chown -R rabbitmq "$folder"
exec "$@"
