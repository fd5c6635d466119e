#!/bin/sh
# Fails while BIND_ADDRESS lets others in and nobody is asked for a token, or a password is the one that everybody can
# read in .env.example.
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
code=0
[ "$AUTH" = on ] || {
    echo "BIND_ADDRESS=$BIND_ADDRESS lets others in, who could do anything: set AUTH=on and AUTH_ISSUER" >&2
    code=1
}
[ -z "$shipped" ] || {
    echo "BIND_ADDRESS=$BIND_ADDRESS lets others in: set passwords of your own for$shipped" >&2
    code=1
}
exit "$code"
