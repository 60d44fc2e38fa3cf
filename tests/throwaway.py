"""The throw-away PostgreSQL of a test run: one server, one migrated template, cheap copies of it. Holds no fixture."""

import hashlib
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


def fingerprint() -> str:
    """Changes with whatever the template depends on: migrations, versions, settings, how the cluster is made."""
    digest = hashlib.sha256()
    ours = [*ROOT.glob("*/migrations/*.py"), *ROOT.glob("mes/*/migrations/*.py"), *ROOT.glob("mes/embedded/*.py")]
    single = [ROOT / "mes/settings.py", ROOT / "requirements/run.txt", Path(__file__)]
    for path in sorted([*ours, *single]):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _kept_clusters() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "floor-mes-tests"


def keep(data: Path, kept: Path) -> None:
    """Copy a stopped cluster aside, three at most. A cache that cannot be written is no reason to fail."""
    half = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(data, half)
        half.rename(kept)
        older = sorted(kept.parent.glob("cluster-*"), key=lambda path: path.stat().st_mtime)
        for path in older[:-3]:
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        shutil.rmtree(half, ignore_errors=True)


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
            if self._given:
                self._make_template()
            else:
                self._start_own()
        except BaseException:
            self.stop()
            raise

    def _start_own(self) -> None:
        """A server of our own; migrating takes long, so the cluster with its template is kept for the next run."""
        self._home = Path(tempfile.mkdtemp(prefix="mes-test-"))
        self._postgres = Postgres(self._home, settings=_SETTINGS)
        self.template = "mes_test"
        kept = _kept_clusters() / f"cluster-{fingerprint()}"
        if kept.exists():
            shutil.copytree(kept, self._postgres.data)
            self._postgres.data.chmod(0o700)
        self._process = self._postgres.start(self._home / "postgres.log")
        self.url = self._postgres.url()
        if kept.exists():
            return
        self._make_template()
        self._postgres.stop(self._process)
        if self._process.returncode == 0:
            keep(self._postgres.data, kept)
        self._process = self._postgres.start(self._home / "postgres.log")

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
