"""The folder of an exchange: which files are complete, taking them out of it, laying files into it. Knows no content.

Nothing is ever seen half: what we write is made under another name, brought to the disk, then renamed.
"""

import errno
import fcntl
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from erp_sync.adapters.errors import AuthDenied, ContractError, Unreachable
from erp_sync.adapters.file.documents import MOST_BYTES

IN, OUT, ARCHIVE, REJECTED = "in", "out", "archive", "rejected"
KINDS = (".csv", ".xml")
DONE = ".done"
MOST_AT_ONCE = 20 * 1024 * 1024
_CHECKSUM = re.compile(r"\s*([0-9a-fA-F]{64})\b")
_UNFIT = re.compile(r"[^\w.\-+ ()]")


@dataclass(frozen=True)
class Arrived:
    """A complete file as it was read: its bytes, their checksum, and when it was last written."""

    name: str
    content: bytes
    digest: str
    at: datetime
    vouched: bool
    """A .done file lies beside it; without one only its age says that nobody writes it any more."""


@dataclass(frozen=True)
class Unreadable:
    """A complete file that cannot be taken, with the sentence why."""

    name: str
    reason: str
    at: datetime


class Folder:
    """SETTLES is for how many seconds a file without .done must have been left alone to count as complete."""

    def __init__(self, path: Path, settles: float) -> None:
        self.path = path
        self._settles = settles

    def __truediv__(self, part: str) -> Path:
        return self.path / part

    def ready(self) -> None:
        """Make the folders within ours; ours itself must be there, else a share that is not mounted looks empty."""
        with explained(self.path):
            if not self.path.is_dir():
                kind = ContractError if self.path.exists() else Unreachable
                why = "is no folder but a file." if self.path.exists() else "is not there; is the share mounted?"
                raise kind(f"The folder {self.path} {why}")
            for part in (IN, OUT, ARCHIVE, REJECTED, f"{ARCHIVE}/{OUT}"):
                (self.path / part).mkdir(exist_ok=True)

    # -------------------------------------------------------------------------------------------------------- taking

    def arrivals(self) -> Iterator[Arrived | Unreadable]:
        """Complete files, oldest first. Those that are still being written wait; hidden and other files stay.

        After some megabytes the rest waits for the next look, so that a full folder does not fill our memory.
        """
        with explained(self.path):
            found = []
            for entry in os.scandir(self.path / IN):
                if entry.name.lower().endswith(KINDS) and not entry.name.startswith((".", "~")):
                    with suppress(FileNotFoundError):
                        found.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.name))
            seen = 0
            for _time, name in sorted(found):
                with suppress(FileNotFoundError):
                    one = self._look(name)
                    if one is not None:
                        yield one
                        seen += len(one.content) if isinstance(one, Arrived) else 0
                if seen > MOST_AT_ONCE:
                    return

    def _look(self, name: str) -> Arrived | Unreadable | None:
        path = self.path / IN / name
        about = path.lstat()
        at = datetime.fromtimestamp(about.st_mtime, UTC)
        done = path.with_name(name + DONE)
        vouched = done.exists()
        if not vouched and time.time() - about.st_mtime < self._settles:
            return None
        if fit_name(name) != name:
            return Unreadable(name, "Its name is too long or has unusual signs. Send it under a plainer name.", at)
        if not stat.S_ISREG(about.st_mode):
            return Unreadable(name, "It is no ordinary file but a link or a device. Send the file itself.", at)
        if about.st_size > MOST_BYTES:
            most = MOST_BYTES // 1024 // 1024
            size = about.st_size / 1024 / 1024
            return Unreadable(name, f"It has {size:,.1f} MB; at most {most} MB are read. Divide it into several.", at)
        with open(path, "rb", opener=_without_links) as file:
            content = file.read(MOST_BYTES + 1)
        digest = hashlib.sha256(content).hexdigest()
        if vouched:
            promised = _CHECKSUM.match(done.read_bytes()[:200].decode("ascii", "replace"))
            if promised and promised[1].lower() != digest:
                why = (
                    f"The checksum in {name}{DONE} is {promised[1].lower()}, but that of the file is {digest}: one of "
                    "them is not the one that was meant. Send both again."
                )
                return Unreadable(name, why, at)
        return Arrived(name, content, digest, at, vouched)

    def known_as(self, name: str) -> str:
        """The checksum of the file of this name that was taken before, or nothing."""
        with explained(self.path), suppress(FileNotFoundError):
            return hashlib.sha256((self.path / ARCHIVE / name).read_bytes()).hexdigest()
        return ""

    def archive(self, one: Arrived) -> bool:
        """Move a file that was taken to the archive. False when another was put in its place meanwhile: it stays."""
        with explained(self.path):
            path, aside = self.path / IN / one.name, self.path / ARCHIVE / f".{one.name}.tmp"
            try:
                path.rename(aside)
            except FileNotFoundError:
                return True
            if hashlib.sha256(aside.read_bytes()).hexdigest() != one.digest:
                aside.rename(path.with_stem(f"{path.stem}.{os.urandom(4).hex()}") if path.exists() else path)
                return False
            if self.known_as(one.name) not in ("", one.digest):
                self._make_way(self.path / ARCHIVE / one.name)
            aside.rename(self.path / ARCHIVE / one.name)
            (self.path / IN / f"{one.name}{DONE}").unlink(missing_ok=True)
            bring_to_disk(self.path / ARCHIVE)
        return True

    def reject(self, name: str, reason: str) -> None:
        """Move a file out of the way, with a sentence beside it. The sentence is there before the file is."""
        with explained(self.path):
            fit = fit_name(name)
            target = self.path / REJECTED / fit
            if target.exists() or target.is_symlink():
                self._make_way(target)
            lay_down(target.with_name(f"{fit}.reason.txt"), (reason + "\n").encode())
            with suppress(FileNotFoundError):
                (self.path / IN / name).rename(target)
            (self.path / IN / f"{name}{DONE}").unlink(missing_ok=True)
            bring_to_disk(self.path / REJECTED)

    @staticmethod
    def _make_way(path: Path) -> None:
        """Nothing is overwritten: what has the name already gets a number."""
        number = 1
        while (older := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
            number += 1
        path.rename(older)
        for beside in (".reason.txt", ".result.csv"):
            with suppress(FileNotFoundError):
                path.with_name(path.name + beside).rename(older.with_name(older.name + beside))

    # ------------------------------------------------------------------------------------------------------- laying

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One of us at a time lays files out. Where the file system knows no locks, the lease of the message does."""
        with explained(self.path), (self.path / OUT / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
                    raise
            yield


def _without_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def fit_name(name: str) -> str:
    """A name that every file system and terminal bears, with room for what we add to it."""
    stem, dot, kind = name.rpartition(".")
    short = _UNFIT.sub("_", stem).encode()[:180].decode(errors="ignore")
    return f"{short}{dot}{_UNFIT.sub('_', kind)}"


def lay_down(path: Path, content: bytes) -> None:
    """The file is there whole and on the disk, or not at all."""
    begun = path.with_name(path.name + ".tmp")
    try:
        write_through(begun, content)
        begun.replace(path)
    except OSError:
        with suppress(OSError):
            begun.unlink(missing_ok=True)
        raise
    bring_to_disk(path.parent)


def write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def bring_to_disk(folder: Path) -> None:
    """A rename is lasting once its folder is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems know no such thing
            raise
    finally:
        os.close(handle)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What the file system says no to, in our words: rights stop the connection, everything else may pass."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise AuthDenied(f"The right to use {where} is missing: {error.strerror}.") from error
        raise Unreachable(f"The folder {path} cannot be used: {where}: {error.strerror}.") from error
