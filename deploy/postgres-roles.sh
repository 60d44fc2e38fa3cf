#!/bin/sh
# Runs once, when the database container is made: the role that owns the tables, the role that uses them, the database.
set -eu
psql --username "$POSTGRES_USER" --dbname postgres --set ON_ERROR_STOP=1 \
     --set owner="$MES_OWNER_PASSWORD" --set app="$MES_APP_PASSWORD" <<'SQL'
CREATE ROLE mes_owner LOGIN NOINHERIT PASSWORD :'owner';
CREATE ROLE mes_app LOGIN NOINHERIT PASSWORD :'app';
CREATE DATABASE mes OWNER mes_owner ENCODING 'UTF8' TEMPLATE template0 LOCALE 'C.UTF-8';
\connect mes
GRANT ALL ON SCHEMA public TO mes_owner;
SQL
