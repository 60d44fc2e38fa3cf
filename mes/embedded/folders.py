"""Folders that only one user may enter, and socket paths short enough for the kernel. Holds no server knowledge."""

import hashlib
import os
import pwd
import shutil
import tempfile
from pathlib import Path

_LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes
_SOCKET_NAME_BYTES = len("/.s.PGSQL.5432.lock")


def own(folder: Path, uid: int) -> None:
    """Give the whole tree to `uid`, when root finds it owned by another (the way to run PostgreSQL has changed)."""
    if os.geteuid() != 0 or folder.stat().st_uid == uid:
        return
    gid = pwd.getpwuid(uid).pw_gid
    for path, _folders, files in os.walk(folder, topdown=False):
        for name in files:
            os.chown(Path(path) / name, uid, gid, follow_symlinks=False)
        os.chown(path, uid, gid)


def private_folder(folder: Path, uid: int | None = None) -> Path:
    """Make `folder` with mode 0700 for `uid`. Raises PermissionError when somebody else owns it already."""
    uid = os.geteuid() if uid is None else uid
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.geteuid() == 0 and folder.stat().st_uid != uid:
        os.chown(folder, uid, pwd.getpwuid(uid).pw_gid)
    if folder.is_symlink() or folder.stat().st_uid != uid:
        raise PermissionError(f"{folder} belongs to another user.")
    folder.chmod(0o700)
    return folder


def short_socket_folder(wanted: Path, *, uid: int) -> Path:
    """`wanted`, or a folder among the temporary ones, named after it, when its path is too long for a socket."""
    if len(os.fsencode(wanted)) + _SOCKET_NAME_BYTES <= _LONGEST_SOCKET_PATH:
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    temporary = Path(tempfile.gettempdir())
    if len(os.fsencode(temporary)) > 60:
        temporary = Path("/tmp")  # noqa: S108 - the folder below is private_folder's, mode 0700 and checked for its owner
    return temporary / f"mes-{uid}-{digest}"


def remove_replacement(sockets: Path, home: Path) -> None:
    """Remove a socket folder that stood in for one below `home`; after a hard end the next start uses it again."""
    if home not in sockets.parents:
        shutil.rmtree(sockets, ignore_errors=True)


def nobody_may_enter(folder: Path) -> bool:
    """Whether the user `nobody` can reach `folder` (or the nearest part of it that exists). Only root can ask."""
    nobody = pwd.getpwnam("nobody")
    while not folder.exists():
        folder = folder.parent
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        os._exit(0 if os.access(folder, os.X_OK) else 1)
    return os.waitpid(pid, 0)[1] == 0
