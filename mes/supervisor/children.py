"""One supervised process: start, notice its end, start again with growing pauses, stop. Knows no particular program."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mes.embedded import linux

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
_STEADY = 10.0  # a child that lived this long is forgiven its earlier falls
_LARGEST_LOG = 20 * 1024 * 1024
_GENERATIONS = 4


class Child:
    """Runs in a session of its own, so that Ctrl-C reaches only the supervisor and the whole family can be ended."""

    def __init__(
        self,
        name: str,
        spawn: "Callable[[Path], subprocess.Popen[bytes]]",
        *,
        log: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_seconds: float = 10,
    ) -> None:
        self.name = name
        self.log = log
        self._spawn = spawn
        self.stop_signal = stop_signal
        self.stop_seconds = stop_seconds
        self.process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._pause = SHORTEST_PAUSE
        self._due: float | None = None

    def start(self) -> None:
        self.turn_log()
        self.process = self._spawn(self.log)
        self._started = time.monotonic()
        self._due = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None else None

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def look(self) -> str:
        """Start it again when it has ended and its pause is over. Returns what happened, to be told, or nothing."""
        if self.process is None or self.running():
            return ""
        now = time.monotonic()
        if self._due is None:
            end_family(self.process.pid, signal.SIGKILL)
            if now - self._started >= _STEADY:
                self._pause = SHORTEST_PAUSE
            self._due = now + self._pause
            said = f"{self.name} ended with {self.process.returncode}; starting again in {self._pause:g} s ({self.log})"
            self._pause = min(LONGEST_PAUSE, self._pause * 2)
            return said
        if now >= self._due:
            try:
                self.start()
            except (OSError, RuntimeError) as error:
                self._due = now + self._pause
                self._pause = min(LONGEST_PAUSE, self._pause * 2)
                return f"{self.name} cannot be started: {error}"
            return f"{self.name} runs again as {self.pid}"
        return ""

    def again(self) -> None:
        """Stop it, the hard way after a second, and start it with what its files say now."""
        self.ask_to_stop()
        self.wait_stopped(time.monotonic() + 1)
        self._pause = SHORTEST_PAUSE
        self.start()

    def ask_to_stop(self) -> None:
        if self.running() and self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def wait_stopped(self, until: float) -> bool:
        """True when it ended by itself before `until`; after that it is killed with all it started."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
            by_itself = True
        except subprocess.TimeoutExpired:
            by_itself = False
        end_family(self.process.pid, signal.SIGKILL)
        if not by_itself:
            self.process.kill()
            self.process.wait()
        self.process = None
        return by_itself

    def turn_log(self) -> None:
        turn(self.log)


def turn(log: Path, largest: int = _LARGEST_LOG) -> None:
    """Keep older generations of a large log. Writers append, so an emptied file goes on from its start."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size <= largest:
            return
        for number in range(_GENERATIONS, 1, -1):
            with contextlib.suppress(FileNotFoundError):
                log.with_name(f"{log.name}.{number - 1}").replace(log.with_name(f"{log.name}.{number}"))
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def end_family(leader: int, sign: signal.Signals) -> None:
    """Signal everything in the session group that `leader` opened; the leader itself may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, sign)


def program(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    fds: Sequence[int] = (),
    orphan_signal: signal.Signals = signal.SIGTERM,
) -> "Callable[[Path], subprocess.Popen[bytes]]":
    """A way to start `command`. `orphan_signal` is what the kernel sends it when the supervisor is killed."""

    def spawn(log: Path) -> "subprocess.Popen[bytes]":
        with log.open("ab") as out:
            return subprocess.Popen(
                list(command),
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=tuple(fds),
                preexec_fn=lambda: linux.die_with_parent(orphan_signal),
            )

    return spawn
