#!/bin/sh
# Runs once, when a PostgreSQL server starts on an empty volume: the service's role, which is no
# superuser, and its database, which nobody else may enter.
set -eu
psql --quiet --set=ON_ERROR_STOP=1 --username="${POSTGRES_USER:-postgres}" --dbname=postgres \
    --set=role="$SERVICE_ROLE" --set=password="$SERVICE_PASSWORD" --set=database="$SERVICE_DATABASE" <<'SQL'
create role :"role" login password :'password';
create database :"database" owner :"role";
revoke all on database :"database" from public;
revoke connect, temporary on database postgres, template1 from public;
SQL
