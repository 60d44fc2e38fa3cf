"""The throw-away PostgreSQL of a test run: one server, one migrated template, cheap copies of it. Holds no fixture."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from mes.embedded import Postgres, roles

ROOT = Path(__file__).resolve().parent.parent
# Durability is of no use to a server that lives for one test run; kill tests start their own, durable one.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
}


def with_parts(url: str, *, database: str, user: str | None = None) -> str:
    """`url` with another database, and another user who needs no password when one is named."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if user is not None:
        netloc = f"{user}@{netloc.rpartition('@')[2]}"
    return urlunsplit((parts.scheme, netloc, f"/{database}", parts.query, ""))


class Server:
    """Started once by the controlling process. Workers get its address and the template's name by environment."""

    def __init__(self, given_url: str = "") -> None:
        self._given = given_url
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._postgres: Postgres | None = None
        self.url = given_url
        self.template = f"mes_test_{os.getpid()}"

    def start(self) -> None:
        try:
            if not self._given:
                self._home = Path(tempfile.mkdtemp(prefix="mes-test-"))
                self._postgres = Postgres(self._home, settings=_SETTINGS)
                self._process = self._postgres.start(self._home / "postgres.log")
                self.url = self._postgres.url()
            self._make_template()
        except BaseException:
            self.stop()
            raise

    def _make_template(self) -> None:
        roles.ensure_database(self.url, self.template)
        with psycopg.connect(self.url, autocommit=True) as connection:
            # Tests may say SET ROLE, to take a mechanism away and see its test fail. NOINHERIT: by default they cannot.
            connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(roles.OWNER), sql.Identifier(roles.APP)))
        owner_url = with_parts(self.url, database=self.template, user=roles.OWNER)
        roles.grant_to_app(owner_url)
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=ROOT,
            env=os.environ | {"DATABASE_URL": owner_url, "DATABASE_OWNER_URL": owner_url},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"The migrations do not apply:\n{done.stderr[-6000:]}")
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(
                    sql.Identifier(self.template)
                )
            )

    def stop(self) -> None:
        if self._postgres is not None:
            if self._process is not None:
                self._postgres.stop(self._process)
            shutil.rmtree(self._postgres.data.parent, ignore_errors=True)
            shutil.rmtree(self._postgres.sockets, ignore_errors=True)
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        elif self._given:
            with psycopg.connect(self.url, autocommit=True) as connection:
                mine = [f"{self.template}%"]
                for (name,) in connection.execute(
                    "SELECT datname FROM pg_database WHERE datname LIKE %s", mine
                ).fetchall():
                    connection.execute(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE false").format(sql.Identifier(name)))
                    connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def clone(server_url: str, template: str, name: str) -> str:
    """A fresh copy of the template under `name`, an older one of that name dropped; its URL as the app role."""
    drop(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(roles.OWNER)
            )
        )
    return with_parts(server_url, database=name, user=roles.APP)


def drop(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
