"""A cluster of an older PostgreSQL major becomes one of the newest at hand: dumped, restored beside it, compared, and
changed over by two renames. Until then the old one is only read; after an interruption the next start goes on or anew.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from mes.embedded import linux
from mes.embedded.postgres import SUPERUSER, Postgres, place_of
from mes.embedded.programs import newest_major

__all__ = ["Interrupted", "NotUpgraded", "Upgrade", "go_on", "place_of"]

OLD, NEW, DUMP, PROVED = "postgres", "postgres.upgraded", "postgres.dump", "postgres.upgraded.json"
#: Dump and new cluster beside the old one; dumps are compressed and indexes are built anew.
_ROOM = 1.7


class Interrupted(Exception):
    """A stop was asked for; the old cluster is as it was."""


class NotUpgraded(Exception):
    """The old cluster is as it was; the message says why and what to do."""


def go_on(place: Path) -> None:
    """Bring a folder into order that an interrupted upgrade left. To be called by whoever holds the instance.

    A proved new cluster takes its place if the old one was not used since; anything half made is removed.
    """
    proved = place / PROVED
    if not proved.exists():
        if (place / NEW).exists() or (place / DUMP).exists():
            _forget(place)
        return
    word = json.loads(proved.read_text(encoding="utf-8"))
    kept = place / f"{OLD}-{word['from']}"
    if (place / NEW).exists() and (place / OLD).exists():
        if _mark(place / OLD) != word["mark"]:  # somebody worked with the old one: what was copied is out of date
            _forget(place)
            return
        (place / OLD).rename(_free(kept))
    if (place / NEW).exists():
        (place / NEW).rename(place / OLD)
    _forget(place)


def _free(path: Path) -> Path:
    """PATH, or with a number behind it while there is such a thing already."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


def _forget(place: Path) -> None:
    """Remove what is half made; the word of the proof goes first, so that a half removed cluster is never taken."""
    (place / PROVED).unlink(missing_ok=True)
    for name in (NEW, DUMP, f"{NEW}.new"):
        shutil.rmtree(place / name, ignore_errors=True)


def _mark(data: Path) -> str:
    """Changes whenever a server has run on the cluster."""
    return hashlib.sha256((data / "global" / "pg_control").read_bytes()).hexdigest()


def _size(folder: Path) -> int:
    total = 0
    for path, _folders, files in os.walk(folder):
        total += sum((Path(path) / name).lstat().st_size for name in files)
    return total


class Upgrade:
    """From the major on disk to the newest at hand. `stopped` is asked now and then whether to give up."""

    def __init__(
        self, home: Path, log: Path, *, settings: Mapping[str, str] | None = None, stopped: Callable[[], bool] = bool
    ) -> None:
        self._home, self._log, self._settings, self._stopped = home, log, dict(settings or {}), stopped
        self.old = Postgres(home, settings=settings)
        self.place = self.old.data.parent

    def is_due(self) -> bool:
        return self.old.data.exists() and self.old.programs.major < newest_major()

    def run(self, say: Callable[[str], None]) -> None:
        """Raises NotUpgraded or Interrupted, with the old cluster as it was."""
        self._has_room()
        new = Postgres(self._home, settings=self._settings, cluster=NEW)
        majors = f"{self.old.programs.major} to {new.programs.major}"
        say(f"The database is upgraded from PostgreSQL {majors}; this may take a while …")
        try:
            facts = self._copy(new)
        except (RuntimeError, OSError, psycopg.Error) as error:
            _forget(self.place)
            raise NotUpgraded(
                f"The upgrade from PostgreSQL {majors} failed and the old database is as it was: {error}"
            ) from error
        except Interrupted:
            _forget(self.place)
            raise
        word = {"from": self.old.programs.major, "to": new.programs.major, "mark": _mark(self.old.data)}
        _write(self.place / PROVED, json.dumps(word))
        go_on(self.place)
        say(
            f"{sum(facts.values())} rows in {len(facts)} tables are upgraded and compared. The old database stays in "
            f"{self.place}/{OLD}-{word['from']}; delete it when you trust the new one."
        )

    def _has_room(self) -> None:
        needed = int(_size(self.old.data) * _ROOM)
        free = shutil.disk_usage(self.place).free
        if free < needed:
            raise NotUpgraded(
                f"The upgrade to PostgreSQL {newest_major()} needs {needed / 1e9:.1f} GB in {self.place} and "
                f"{free / 1e9:.1f} GB are free: make room and start again."
            )

    def _copy(self, new: Postgres) -> dict[str, int]:
        """Fill the new cluster and prove that both hold the same. Returns the rows of each table."""
        running = self.old.start(self._log)
        try:
            fresh = new.start(self._log)
            try:
                self._roles(new)
                facts: dict[str, int] = {}
                for name in self._databases():
                    self._database(name, new)
                    facts |= self._same(name, new)
            finally:
                new.stop(fresh)
        finally:
            self.old.stop(running)
        shutil.rmtree(self.place / DUMP, ignore_errors=True)
        return facts

    def _databases(self) -> list[str]:
        with psycopg.connect(self.old.url(), autocommit=True) as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
            ).fetchall()
        return [str(name) for (name,) in rows]

    def _roles(self, new: Postgres) -> None:
        """All but the superuser, with their passwords and memberships."""
        text = self._run(new, "pg_dumpall", "--roles-only", f"--dbname={self.old.url()}")
        with psycopg.connect(new.url(), autocommit=True) as connection:
            for statement in (line for line in text.splitlines() if line.startswith(("CREATE", "ALTER", "GRANT"))):
                if not statement.startswith((f"CREATE ROLE {SUPERUSER};", f"ALTER ROLE {SUPERUSER} ")):
                    connection.execute(statement.encode())

    def _database(self, name: str, new: Postgres) -> None:
        dump = self.place / DUMP
        shutil.rmtree(dump, ignore_errors=True)
        source = self.old.url(quote(name, safe=""))
        self._run(new, "pg_dump", "--format=directory", f"--file={dump}", f"--dbname={source}")
        self._run(new, "pg_restore", "--create", "--exit-on-error", f"--dbname={new.url()}", str(dump))

    def _same(self, name: str, new: Postgres) -> dict[str, int]:
        there, here = _facts(self.old.url(quote(name, safe=""))), _facts(new.url(quote(name, safe="")))
        if there != here:
            differing = sorted(key for key in there.keys() | here.keys() if there.get(key) != here.get(key))
            raise RuntimeError(f"{name}: {', '.join(differing[:3])} differ between old and new.")
        return {f"{name}.{table}": rows for table, (rows, _hash) in there.items()}

    def _run(self, new: Postgres, program: str, *arguments: str) -> str:
        """A program of the newer version, which reads older servers too."""
        process = subprocess.Popen(
            [str(new.programs.bin / program), *arguments],
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            umask=0o077,
            preexec_fn=lambda: linux.die_with_parent(signal.SIGTERM),
        )
        while True:
            try:
                said, wrong = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if self._stopped():
                    process.kill()
                    process.communicate()
                    raise Interrupted from None
        if process.returncode:
            raise RuntimeError(" ".join(wrong.strip().splitlines()[-3:]) or f"{program} ended badly.")
        return said


def _facts(url: str) -> dict[str, tuple[int, str]]:
    """Rows of every table, and a hash over its content where that is the log's chain of heads."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        names = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        found = {}
        for schema, table in names:
            what = sql.Identifier(str(schema), str(table))
            row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(what)).fetchone()
            mark = ""
            if table == "kernel_eventhead":
                ask = sql.SQL("SELECT md5(string_agg(h::text, ',' ORDER BY subject)) FROM {} h").format(what)
                hashed = connection.execute(ask).fetchone()
                mark = str(hashed[0]) if hashed else ""
            found[f"{schema}.{table}"] = (int(row[0]) if row else 0, mark)
    return found


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".part")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
