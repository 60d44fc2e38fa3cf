"""Empty databases beside the one under test, and management commands as a person runs them. Holds no test."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg import sql

from mes import env
from mes.embedded import roles
from tests.throwaway import ROOT, drop, with_parts

KEY = "dGVzdHMtb25seS1maWVsZC1rZXktMzItYnl0ZXMhISE="
OTHER_KEY = "b3RoZXItaW5zdGFsbGF0aW9uLWtleS0zMi1ieXRlcyE="


class Place:
    """A database and the environment of an installation that works with it."""

    def __init__(self, name: str, folder: Path, **more: str) -> None:
        self.name = name
        self.folder = folder
        self.url = with_parts(os.environ["MES_TEST_SERVER"], database=name, user=roles.APP)
        self.owner = with_parts(os.environ["MES_TEST_SERVER"], database=name, user=roles.OWNER)
        self.more = more

    def command(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def environment(self, **more: str) -> dict[str, str]:
        own = {
            "DATABASE_URL": self.url,
            "DATABASE_OWNER_URL": self.owner,
            "MES_DATA": str(self.folder),
            "MES_FIELD_KEY": KEY,
        }
        return {**os.environ, **own, **self.more, **more}

    def ask(self, question: str) -> Any:
        """The first column of the first row, read as the owner."""
        with psycopg.connect(self.owner) as there:
            row = there.execute(question).fetchone()  # type: ignore[arg-type]
            return row[0] if row else None

    def is_empty(self) -> bool:
        return self.ask("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0

    @contextmanager
    def used(self) -> Iterator[None]:
        """Django's connection of this thread, and of those to come, works here."""
        before = dict(connections.settings["default"])
        connections.close_all()
        connections.settings["default"].update(env.database(self.url))
        try:
            yield
        finally:
            connections.close_all()
            connections.settings["default"].update(before)


def here(folder: Path) -> Place:
    """The database under test."""
    return Place(connection.settings_dict["NAME"], folder)


@contextmanager
def empty_place(folder: Path, **more: str) -> Iterator[Place]:
    """A new database as `ensure_database` makes it: nothing in it."""
    name = f"{os.environ['MES_TEST_TEMPLATE']}_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(os.environ["MES_TEST_SERVER"], autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(
                sql.Identifier(name), sql.Identifier(roles.OWNER)
            )
        )
    try:
        yield Place(name, folder, **more)
    finally:
        drop(os.environ["MES_TEST_SERVER"], name)
