"""A running Tryton for a group of tests: its own copy of the seeded plant, its own port, one child process."""

import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from tests.erp.peer.api import PeerApi
from tests.erp.peer.installation import ADMIN_PASSWORD, DATABASE, programs, seeded, write_configuration

MES = ("mes", "mes-for-tests-only")
READER = ("reader", "reader-for-tests-only")


class PeerServer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._file = folder / f"{DATABASE}.sqlite"
        shutil.copy(seeded() / f"{DATABASE}.sqlite", self._file)
        self._configuration = write_configuration(folder, self.port)
        self._process: subprocess.Popen[bytes] | None = None
        self._api: PeerApi | None = None

    @property
    def api(self) -> PeerApi:
        """Tryton's own API as its administrator: what the tests arrange and what they assert on."""
        if self._api is None:
            self._api = PeerApi(self.url, "admin", ADMIN_PASSWORD)
        return self._api

    def start(self) -> None:
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(programs() / "trytond"), "-c", str(self._configuration), "-d", DATABASE],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                self._api = PeerApi(self.url, "admin", ADMIN_PASSWORD)
                return
            except (httpx.HTTPError, RuntimeError):
                time.sleep(0.2)
        raise RuntimeError(f"Tryton did not start:\n{(self.folder / 'server.log').read_text()[-4000:]}")

    def stop(self) -> None:
        if self._api is not None:
            self._api.close()
            self._api = None
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    @contextmanager
    def down(self) -> Iterator[None]:
        """Nothing listens while the block runs."""
        self.stop()
        yield
        self.start()

    def keep_copy(self) -> Path:
        """Last night's backup; taken with the server stopped, for SQLite has no other safe moment."""
        with self.down():
            self._settle()
            return Path(shutil.copy(self._file, self.folder / "yesterday.sqlite"))

    def restore(self, copy: Path) -> None:
        with self.down():
            self._settle()
            shutil.copy(copy, self._file)

    def _settle(self) -> None:
        """The killed server leaves its last transactions in a side file; they belong into the one we copy."""
        with closing(sqlite3.connect(self._file)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute("PRAGMA journal_mode = DELETE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
