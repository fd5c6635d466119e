-- Shows the other service's tables as schema "dotnet" in the Cartwheel service's database, until disconnect.sql.
-- Run as a superuser in the Cartwheel service's database, with the psql variables host, port, dbname, user and password
-- of the other's. Both services are stopped.
\set ON_ERROR_STOP on
set client_min_messages = warning;
begin;
create extension if not exists postgres_fdw;
drop server if exists dotnet cascade;
drop schema if exists dotnet;
create schema dotnet;
create server dotnet foreign data wrapper postgres_fdw
    options (host :'host', port :'port', dbname :'dbname', fetch_size '10000', batch_size '1000');
create user mapping for current_user server dotnet options (user :'user', password :'password');
import foreign schema public from server dotnet into dotnet;
commit;
