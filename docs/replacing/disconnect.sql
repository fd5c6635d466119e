-- Takes away what connect.sql made, the other database's password with it.
\set ON_ERROR_STOP on
set client_min_messages = warning;
begin;
drop server if exists dotnet cascade;
drop schema if exists dotnet;
drop extension if exists postgres_fdw;
commit;
