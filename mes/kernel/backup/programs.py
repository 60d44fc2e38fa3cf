"""Runs `pg_dump` and `pg_restore` against the database that Django talks to. No password stands on a command line."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.db import connection

from mes.embedded import ProgramMissing, linux
from mes.embedded.programs import client_programs

__all__ = ["ProgramFailed", "ProgramMissing", "dumped_rows", "run", "server_major"]


class ProgramFailed(Exception):
    """A program of PostgreSQL ended badly; the message is its own last word."""


def server_major() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        return int(cursor.fetchone()[0]) // 10000


def _environment() -> dict[str, str]:
    settings = connection.settings_dict
    given = {
        "PGHOST": settings["HOST"],
        "PGPORT": str(settings["PORT"]),
        "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"],
        "PGDATABASE": settings["NAME"],
        "PGAPPNAME": "mes backup",
        "PGCONNECT_TIMEOUT": "10",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {name: value for name, value in given.items() if value}


def command(name: str, *arguments: str) -> list[str]:
    return [str(client_programs(server_major()).bin / name), *arguments]


def run(name: str, *arguments: str) -> str:
    """Run the program to its end. Raises ProgramFailed with what it said, ProgramMissing."""
    done = subprocess.run(
        command(name, *arguments),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        umask=0o077,
        preexec_fn=lambda: linux.die_with_parent(signal.SIGTERM),
    )
    if done.returncode:
        lines = [line.strip() for line in done.stderr.strip().splitlines() if line.strip()]
        raise ProgramFailed(" ".join(lines[-3:])[:600] or f"{name} ended with {done.returncode}.")
    return done.stdout


def dumped_rows(dump: Path) -> dict[str, int]:
    """Read a dump from its first byte to its last and count the rows of each table. Raises ProgramFailed."""
    process = subprocess.Popen(
        command("pg_restore", "--data-only", "--file=-", str(dump)),
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: linux.die_with_parent(signal.SIGTERM),
    )
    if process.stdout is None or process.stderr is None:
        raise ProgramFailed("pg_restore gave nothing to read.")
    with process, process.stdout, process.stderr:
        rows = _counted(process.stdout)
        said = process.stderr.read().decode(errors="replace").strip()
        if process.wait():
            raise ProgramFailed(said[-600:] or f"pg_restore ended with {process.returncode}.")
    return rows


def _counted(lines: Iterator[bytes]) -> dict[str, int]:
    found: dict[str, int] = {}
    table = ""
    for line in lines:
        if table:
            if line == b"\\.\n":
                table = ""
            else:
                found[table] += 1
        elif line.startswith(b"COPY public."):
            table = line.split(b" ", 2)[1].decode().removeprefix("public.").strip('"')
            found[table] = 0
    return found
