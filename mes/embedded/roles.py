"""The two database roles: the owner changes the schema, the app reads and writes rows. Sets no passwords."""

import psycopg
from psycopg import sql

OWNER = "mes_owner"
APP = "mes_app"
DATABASE = "mes"


def ensure_role(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(name)))


def ensure_database(superuser_url: str, name: str = DATABASE, *, owner: str = OWNER, app: str = APP) -> bool:
    """Roles and an empty database on a cluster we run ourselves. True when the database was not there before."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        ensure_role(connection, owner)
        ensure_role(connection, app)
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return False
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    # PostgreSQL 15 does not let a NOINHERIT owner of the database use what its owners may in the schema.
    with psycopg.connect(superuser_url, dbname=name, autocommit=True) as connection:
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(owner)))
    return True


def grant_to_app(owner_url: str, app: str = APP) -> None:
    """Let `app` use every table and sequence of the public schema, those that later migrations make included.

    Run as the owner, before migrations: the default privileges reach only what the owner makes from then on.
    """
    role = sql.Identifier(app)
    with psycopg.connect(owner_url) as connection:
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}",
        ):
            connection.execute(sql.SQL(statement).format(role))
