"""One embedded PostgreSQL cluster: made, started, stopped, by root or by anybody. Databases and roles: `roles.py`."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from mes.embedded import linux
from mes.embedded.folders import nobody_may_enter, own, private_folder, remove_replacement, short_socket_folder
from mes.embedded.programs import PostgresPrograms, postgres_programs

SUPERUSER = "postgres"
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/"}
_ROOT_STORE = Path("/var/lib/mes-embedded")
MODES = ("plain", "userns", "setuid")


def suitable_mode() -> str:
    """How this user can run PostgreSQL, which refuses root and any uid without an entry in the user list.

    `plain` as is; `userns` sees itself as nobody inside its own user namespace; `setuid` (root only) becomes nobody.
    """
    try:
        pwd.getpwuid(os.geteuid())
        listed = os.geteuid() != 0
    except KeyError:
        listed = False
    if listed:
        return "plain"
    return "setuid" if os.geteuid() == 0 and not linux.user_namespaces_work() else "userns"


def chosen_mode(mode: str = "") -> str:
    """MODE, or what the environment says, or what suits this user. Raises ValueError."""
    mode = mode or os.environ.get("MES_POSTGRES_MODE") or suitable_mode()
    if mode not in MODES:
        raise ValueError(f"MES_POSTGRES_MODE must be one of {', '.join(MODES)}, not {mode!r}.")
    return mode


def place_of(home: Path, mode: str = "") -> Path:
    """Where the cluster of `home` lies: there, or where nobody can reach it when PostgreSQL must run as nobody."""
    home = home.resolve()
    if chosen_mode(mode) != "setuid" or nobody_may_enter(home):
        return home
    return _ROOT_STORE / quote(str(home).lstrip("/"), safe="")


class Postgres:
    """A cluster below `home`, reached through a socket in a folder that only its owner may enter; no TCP port."""

    stop_signal = signal.SIGINT  # fast shutdown: sessions are ended, nothing is lost, no recovery at the next start

    def __init__(
        self, home: Path, *, mode: str = "", settings: Mapping[str, str] | None = None, cluster: str = "postgres"
    ) -> None:
        self.mode = chosen_mode(mode)
        self.home = home.resolve()
        self.settings = {"shared_buffers": "64MB", "max_connections": "100", **(settings or {})}
        self._account: dict[str, Any] = {}
        self._uid = os.geteuid()
        if self.mode == "setuid":
            nobody = pwd.getpwnam("nobody")
            self._account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            self._uid = nobody.pw_uid
        self._place = place_of(self.home, self.mode)
        self.data = self._place / cluster
        run = "run" if cluster == "postgres" else f"run.{cluster}"
        self.sockets = short_socket_folder(self._place / run, uid=self._uid)
        self.programs = postgres_programs(self._major_on_disk())
        self._spawned = 0

    def _major_on_disk(self) -> int | None:
        version = self.data / "PG_VERSION"
        return int(version.read_text()) if version.exists() else None

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets), safe='')}"

    def _program(self, name: str) -> str:
        return str(self._usable_programs().bin / name)

    def _usable_programs(self) -> PostgresPrograms:
        """As nobody the wheel may be out of reach: then its programs and the libraries beside them are copied once."""
        site = self.programs.site
        if self.mode != "setuid" or site is None or nobody_may_enter(self.programs.bin):
            return self.programs
        copy = _ROOT_STORE / f"programs-{self.programs.major}"
        bin_folder = copy / self.programs.bin.relative_to(site)
        if not bin_folder.exists():
            half = copy.with_name(f"{copy.name}.{os.getpid()}")
            install = self.programs.bin.parent
            shutil.copytree(install, half / install.relative_to(site), symlinks=True)
            for libraries in site.glob(f"{install.parent.name}.libs"):
                shutil.copytree(libraries, half / libraries.name, symlinks=True)
            try:
                half.rename(copy)
            except OSError:  # another start was quicker
                shutil.rmtree(half)
        return PostgresPrograms(bin_folder, copy, self.programs.major)

    def _before_exec(self) -> None:
        if self.mode == "userns":
            linux.become_nobody_in_own_namespace()
        linux.die_with_parent(self.stop_signal)

    def make(self) -> None:
        """Make the cluster unless it is there. A half-made one is made again."""
        if (self.data / "PG_VERSION").exists():
            own(self.data, self._uid)
            return
        if self._place != self.home:
            self._place.mkdir(parents=True, exist_ok=True)
            (self.home / "postgres-is-elsewhere.txt").write_text(
                f"The database lies in {self.data}.\n", encoding="utf-8"
            )
        half = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(half, ignore_errors=True)
        private_folder(half, self._uid)
        command = [self._program("initdb"), "-D", str(half), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"]
        command += ["--locale=C.UTF-8", "--data-checksums", "--no-instructions"]
        if self.settings.get("fsync") == "off":
            command.append("--no-sync")
        done = subprocess.run(
            command,
            env=_ENVIRONMENT,
            cwd="/",
            preexec_fn=self._before_exec,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._account,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stdout.decode(errors='replace').strip()}")
        half.rename(self.data)

    def spawn(self, log: Path) -> "subprocess.Popen[bytes]":
        """Start the server; it writes to `log` and stops when the calling thread ends. It answers a little later."""
        self.make()
        private_folder(self.sockets, self._uid)
        self._forget_dead_owner()
        command = [self._program("postgres"), "-D", str(self.data), "-k", str(self.sockets), "-h", "", "-p", "5432"]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with log.open("ab") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                preexec_fn=self._before_exec,
                **self._account,
            )
        self._spawned = process.pid
        return process

    def _forget_dead_owner(self) -> None:
        """Remove lock files whose process is a zombie or is no PostgreSQL: the server would wait for it for ever."""
        for lock in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            try:
                pid = int(lock.read_text().split()[0])
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            except (ValueError, IndexError):
                lock.unlink()
                continue
            if not linux.alive(pid) or b"postgres" not in command:
                lock.unlink(missing_ok=True)

    def ready(self) -> bool:
        """Whether the server answers; after `spawn`, whether it is the one spawned that does."""
        try:
            if self._spawned and int((self.data / "postmaster.pid").read_text().split()[0]) != self._spawned:
                return False
            psycopg.connect(self.url(), connect_timeout=2).close()
        except (psycopg.OperationalError, OSError, ValueError, IndexError):
            return False
        return True

    def start(self, log: Path, *, seconds: float = 60) -> "subprocess.Popen[bytes]":
        """Spawn and wait until it answers. Raises RuntimeError with the end of the log when it does not."""
        process = self.spawn(log)
        end = time.monotonic() + seconds
        while not self.ready():
            if process.poll() is not None or time.monotonic() > end:
                if process.poll() is None:
                    process.kill()
                tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-5:]
                raise RuntimeError("PostgreSQL did not start: " + " / ".join(tail))
            time.sleep(0.02)
        return process

    def stop(self, process: "subprocess.Popen[bytes]", *, seconds: float = 20) -> None:
        """Fast shutdown; after `seconds` the hard way, from which PostgreSQL recovers by itself."""
        if process.poll() is None:
            process.send_signal(self.stop_signal)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.tidy()

    def tidy(self) -> None:
        """To be called once the server has ended."""
        remove_replacement(self.sockets, self._place)
