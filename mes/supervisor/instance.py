"""One data folder: who may use it now, its secrets, and the environment its processes get. Starts nothing."""

import base64
import contextlib
import fcntl
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from mes.embedded.folders import private_folder

ROOT = Path(__file__).resolve().parent.parent.parent


class Refusal(Exception):
    """What cannot be done and what to do instead, in one sentence for standard error; the exit status is 2."""


class Instance:
    """`folder` and what is inside. At most one supervisor or command that starts servers holds it at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.logs = self.folder / "logs"
        self.static = self.folder / "static"
        self.locale = self.folder / "locale"
        self._secrets = self.folder / "secrets"
        self._lock: IO[str] | None = None

    def exists(self) -> bool:
        return (self._secrets / "secret_key").exists()

    def prepare(self) -> None:
        """Make the folder and its secrets. Raises Refusal when it cannot be written or belongs to another."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.folder.stat().st_uid != os.geteuid():
                raise Refusal(
                    f"{self.folder} belongs to another user: run as that user, or choose another folder with --data."
                )
            self.logs.mkdir(exist_ok=True)
            private_folder(self._secrets)
        except OSError as error:
            reason = error.strerror or str(error)
            raise Refusal(f"{self.folder} cannot be used ({reason}): choose another folder with --data.") from error
        self._make_secret("secret_key", secrets.token_urlsafe(64))
        self._make_secret("field_key", base64.urlsafe_b64encode(os.urandom(32)).decode())

    def _make_secret(self, name: str, value: str) -> None:
        path = self._secrets / name
        if path.exists():
            return
        half = path.with_name(f"{name}.{os.getpid()}")
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(half, path)  # unlike rename it never replaces a secret that another start has just made
        half.unlink()

    def claim(self, purpose: str, *, wait: bool = False) -> bool:
        """Hold the folder until this process ends. False when another holds it."""
        lock = (self.folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except OSError:
            lock.close()
            return False
        lock.seek(0)
        lock.truncate()
        lock.write(f"{purpose} {os.getpid()}\n")
        lock.flush()
        self._lock = lock
        return True

    def holder(self) -> str:
        """The purpose the present holder stated: `up`, `manage`, or nothing yet."""
        try:
            return (self.folder / "lock").read_text().partition(" ")[0]
        except FileNotFoundError:
            return ""

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """What every process of the instance sees. A variable that the caller of the whole has set wins."""
        own = {
            "DJANGO_SETTINGS_MODULE": "mes.settings",
            "MES_DATA": str(self.folder),
            "MES_SECRET_KEY_FILE": str(self._secrets / "secret_key"),
            "MES_FIELD_KEY_FILE": str(self._secrets / "field_key"),
            "MES_STATIC_ROOT": str(self.static),
            "MES_LOCALE_DIR": str(self.locale),
            "PYTHONUNBUFFERED": "1",
        }
        return {**own, **os.environ, **extra}
