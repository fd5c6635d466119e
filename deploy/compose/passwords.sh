#!/bin/sh
# Fails while BIND_ADDRESS lets others in and a password is the one that everybody can read in .env.example.
#   passwords.sh FILE    FILE: .env.example
set -eu
case $BIND_ADDRESS in
    127.* | localhost | ::1 | '[::1]') exit 0 ;;
esac
shipped=
while IFS='=' read -r name value; do
    case $name in
        *[!A-Z_]*) ;;
        *_PASSWORD)
            eval "given=\${$name-}"
            if [ -n "$value" ] && [ "$given" = "$value" ]; then shipped="$shipped $name"; fi ;;
    esac
done < "$1"
[ -z "$shipped" ] || {
    echo "BIND_ADDRESS=$BIND_ADDRESS lets others in: set passwords of your own for$shipped" >&2
    exit 1
}
