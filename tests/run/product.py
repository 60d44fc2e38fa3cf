"""Starts the whole product for a test as a person would, and finds every process that belongs to it."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from mes.embedded import linux

ROOT = Path(__file__).resolve().parent.parent.parent
_OURS = ("MES_", "DATABASE_", "REDIS_", "DJANGO_", "PYTEST_")


def clean_environment() -> dict[str, str]:
    """What a person's shell would give: nothing that the tests have set."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Product:
    """One instance in `folder`. `become` is put before the command, to start it as another user."""

    def __init__(self, folder: Path, become: Sequence[str] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self._become = list(become)
        self.process: subprocess.Popen[str] | None = None
        self.said = ""

    def start(self, *flags: str) -> "subprocess.Popen[str]":
        command = [
            *self._become,
            sys.executable,
            "manage.py",
            "up",
            "--port",
            str(self.port),
            "--data",
            str(self.folder),
        ]
        self.process = subprocess.Popen(
            [*command, *flags],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell does for `run.py &`
        )
        return self.process

    def wait_ready(self, seconds: float = 300) -> str:
        """The READY line. Raises AssertionError with all that was said when it does not come."""
        assert self.process is not None
        assert self.process.stdout is not None
        end = time.monotonic() + seconds
        self.said = ""
        while time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                line = self.process.stdout.readline()
                self.said += line
                if line.startswith("READY "):
                    return line.strip()
                if not line:
                    break
        raise AssertionError(f"not ready: {self.said}\n{self.logs()}")

    def logs(self) -> str:
        parts = []
        for log in sorted((self.folder / "logs").glob("*.log")):
            parts.append(f"== {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-8:]))
        return "\n".join(parts)

    def stop(self, sign: signal.Signals = signal.SIGTERM, seconds: float = 40) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(seconds)

    def page(self, path: str = "/livez") -> int:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def processes(self) -> dict[int, str]:
        """Every live process that works in the folder, was started with it, or was told of it; and its command line."""
        found = {}
        wanted = str(self.folder).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes()
                told = b"MES_DATA=" + wanted + b"\0" in (entry / "environ").read_bytes() + b"\0"
                here = os.fsencode((entry / "cwd").readlink()).startswith(wanted)
                if (told or here or wanted in command) and linux.alive(int(entry.name)):
                    found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
        return found

    def pids(self, *words: str, child: bool = False) -> list[int]:
        """The main processes whose command line has all `words`; with `child`, those they started instead."""
        everybody = self.processes()
        fitting = [pid for pid, line in everybody.items() if all(word in line for word in words)]
        parents = {pid: parent_of(pid) for pid in fitting}
        return sorted(pid for pid in fitting if (parents[pid] in fitting) == child)

    def variable(self, name: str) -> str:
        """A variable as the web process was given it."""
        lines = Path(f"/proc/{self.pids('gunicorn')[0]}/environ").read_bytes().split(b"\0")
        return next(line.decode().partition("=")[2] for line in lines if line.startswith(name.encode() + b"="))

    def end(self) -> None:
        """Whatever the test did, leave nothing behind."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
        if not wait_until(lambda: not self.processes(), 10):
            for pid in self.processes():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def parent_of(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0
