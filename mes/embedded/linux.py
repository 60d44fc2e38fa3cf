"""The three Linux calls the embedded servers need: die with the parent, own user namespace, is this pid a zombie."""

import ctypes
import os
import signal
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CLONE_NEWUSER = 0x10000000
NOBODY = 65534


def die_with_parent(sign: signal.Signals) -> None:
    """Ask the kernel to send `sign` here when the thread that started this process ends. Lost on fork, kept on exec."""
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, int(sign))


def adopt_orphans() -> None:
    """Become the parent of every orphaned descendant, so that none can slip away to the system's first process."""
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def user_namespaces_work() -> bool:
    if not hasattr(_libc, "unshare"):
        return False
    pid = os.fork()
    if pid == 0:
        try:
            become_nobody_in_own_namespace()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def become_nobody_in_own_namespace() -> None:
    """From here on this process sees itself as `nobody`; on disk it remains who it was. Raises OSError if forbidden."""
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "a user namespace is not allowed here")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def alive(pid: int) -> bool:
    """True while `pid` runs; a zombie, dead but not yet collected by its parent, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}
