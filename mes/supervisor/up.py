"""The supervisor of the one-command run: servers, demo plant, then web, stream, workers, beat, simulation."""

import contextlib
import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mes.embedded import linux
from mes.embedded.upgrade import Interrupted
from mes.supervisor import built
from mes.supervisor.changes import Changes
from mes.supervisor.children import Child, program, turn
from mes.supervisor.instance import ROOT, Instance, Refusal
from mes.supervisor.ports import listen, listen_near, names_of_this_machine
from mes.supervisor.processes import Process, processes
from mes.supervisor.servers import Servers
from mes.supervisor.tls import Certificate, certificate


@dataclass(frozen=True)
class Wishes:
    """What the caller of `up` chose."""

    host: str
    port: int
    empty: bool = False
    simulation: bool = True
    tls: bool = False
    debug: bool = False


class Stopped(Exception):
    """A stop was asked for while the instance was still starting."""


class Supervisor:
    """Owns an instance from claim to stop. `commands` are the management commands that exist."""

    def __init__(self, instance: Instance, wishes: Wishes, commands: Collection[str]) -> None:
        self.instance = instance
        self.wishes = wishes
        self.commands = commands
        self.children: list[Child] = []
        self.environment: dict[str, str] = {}
        self._stop_asked = 0
        self._listeners: list[socket.socket] = []
        self._certificate: Certificate | None = None

    def run(self) -> int:
        """Start everything, keep it running, stop everything. Raises Refusal before anything is started."""
        self.instance.prepare()
        if not self.instance.claim("up"):
            raise Refusal(self._who_holds())
        web = listen(self.wishes.host, self.wishes.port)
        stream = listen_near(self.wishes.host, self.wishes.port)
        self._listeners = [web, stream]
        servers = Servers(self.instance, is_ours=True)
        self.environment = self.instance.environment(self._settings(servers))
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup means it; but a shell that starts us with & ignores INT for us, and then kill -INT is meant too
            if sign != signal.SIGHUP or signal.getsignal(sign) is not signal.SIG_IGN:
                signal.signal(sign, self._ask_stop)
        linux.adopt_orphans()
        try:
            servers.upgrade(self.instance.logs / "postgres.log", self._say, lambda: bool(self._stop_asked))
            self._start(servers)
            self._watch()
        except (Stopped, Interrupted):
            pass
        except (RuntimeError, OSError) as error:
            self._say(str(error))
            return 1
        finally:
            self._stop()
            servers.tidy()
        return 0

    def _who_holds(self) -> str:
        if self.instance.holder() == "manage":
            return f"A management command is working on {self.instance.folder}: wait until it ends."
        return f"{self.instance.folder} is already running: stop that one first, or choose another folder with --data."

    def _settings(self, servers: Servers) -> dict[str, str]:
        own = servers.addresses() | {
            "MES_EVENTS_PORT": str(self._listeners[1].getsockname()[1]),
            "MES_WEB_PORT": str(self.wishes.port),
        }
        given = [name for name in os.environ.get("MES_HOSTS", "").split(",") if name]
        names = [*names_of_this_machine(self.wishes.host), *given]
        own["MES_HOSTS"] = ",".join(names)
        if self.wishes.tls:
            self._certificate = certificate(self.instance.folder / "tls", [name for name in names if name != "*"])
            own["MES_TLS"] = "1"
        if self.wishes.debug:
            own["MES_DEBUG"] = "1"
        return own

    # -- start ---------------------------------------------------------------------------------------------------------

    def _start(self, servers: Servers) -> None:
        logs = self.instance.logs
        answering = []
        for name, (spawn, ready) in servers.spawners().items():
            stop = signal.SIGINT if name == "postgres" else signal.SIGTERM
            child = Child(name, spawn, log=logs / f"{name}.log", stop_signal=stop, stop_seconds=20)
            self.children.append(child)
            child.start()
            self._note(f"{name} starts as {child.pid}")
            answering.append((child, ready))
        collecting = None
        built.build_messages(self.instance)
        if built.static_changed(self.instance):
            collecting = built.collect_static(self.instance, self.environment)
        for child, ready in answering:
            self._until(ready, f"{child.name} did not start; see {child.log}", child=child)
        servers.ensure_database()
        self._command("prepare_database", "--verbosity", "0")
        if collecting is not None:
            self._finish("collecting static files", collecting, logs / "static.log")
            built.static_collected(self.instance)
        sockets = [each.fileno() for each in self._listeners]
        programs = processes(self.wishes.debug, sockets, self.instance.folder, self._certificate)
        # The web wakes while the demo plant is made; who would work on a half-made plant waits for it.
        self._spawn([each for each in programs if each.fds])
        if not self.wishes.empty and "load_demo_plant" in self.commands:
            self._command("load_demo_plant")
        self._spawn([each for each in programs if not each.fds])
        self._until(self._web_answers, f"the web does not answer; see {logs / 'web.log'}", seconds=120)
        host = f"[{self.wishes.host}]" if ":" in self.wishes.host else self.wishes.host
        self._note("ready")
        scheme = "https" if self._certificate else "http"
        self._tell(f"READY {scheme}://{host}:{self.wishes.port}/ data={self.instance.folder}")
        if self._certificate:
            self._tell(f"Terminals must trust {self._certificate.root} once.")
        if not self.wishes.empty and "list_demo_people" in self.commands:
            self._command("list_demo_people", show=True)

    def _spawn(self, programs: Sequence[Process]) -> None:
        with_demo = self.wishes.simulation and not self.wishes.empty
        for each in programs:
            if each.needs_command and not (with_demo and each.needs_command in self.commands):
                continue
            spawn = program(
                each.command,
                cwd=ROOT,
                env=self.environment | {"MES_PROCESS": each.name},
                fds=each.fds,
                orphan_signal=each.orphan_signal,
            )
            log = self.instance.logs / f"{each.name}.log"
            child = Child(each.name, spawn, log=log, stop_signal=each.stop_signal)
            self.children.append(child)
            child.start()

    def _command(self, *arguments: str, show: bool = False) -> None:
        """Run a management command to its end, obeying a stop meanwhile. Raises RuntimeError when it fails."""
        log = self.instance.logs / "setup.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=None if show else out,
                stderr=out,
                start_new_session=True,
                preexec_fn=lambda: linux.die_with_parent(signal.SIGKILL),
            )
        self._finish(arguments[0], process, log)

    def _finish(self, what: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
        try:
            self._until(lambda: process.poll() is not None, f"{what} takes too long; see {log}", seconds=600)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        self._note(f"{what} ended with {process.returncode}")
        if process.returncode:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"{what} failed ({' '.join(last)}); see {log}")

    def _until(
        self, condition: Callable[[], bool], failure: str, *, seconds: float = 60, child: Child | None = None
    ) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if self._stop_asked:
                raise Stopped
            if time.monotonic() > end or (child is not None and not child.running()):
                raise RuntimeError(failure)
            if child is None:
                self._look_after_children()
            time.sleep(0.05)

    def _web_answers(self) -> bool:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.wishes.host, self.wishes.host)  # noqa: S104
        connection = http.client.HTTPConnection(host, self.wishes.port, timeout=2)
        if self._certificate:
            trust = ssl.create_default_context(cafile=str(self._certificate.root))
            trust.check_hostname = False  # with 0.0.0.0 we ask by an address that no browser uses
            connection = http.client.HTTPSConnection(host, self.wishes.port, timeout=2, context=trust)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/livez", headers={"Host": f"localhost:{self.wishes.port}"})
            return connection.getresponse().status < 500
        return False

    # -- run and stop --------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        turn_logs = time.monotonic() + 60
        changes = Changes() if self.wishes.debug else None
        while not self._stop_asked:
            self._look_after_children()
            if changes is not None and (edited := changes.since_last_look()):
                self._take_up(edited)
            if time.monotonic() > turn_logs:
                turn_logs = time.monotonic() + 60
                for child in self.children:
                    child.turn_log()
                for name in ("supervisor", "setup", "static"):
                    turn(self.instance.logs / f"{name}.log")
            time.sleep(0.1)

    def _take_up(self, edited: Sequence[Path]) -> None:
        """Build what was edited and start our own programs again. A mistake in a file is told, not fatal."""
        self._say(f"{edited[0].relative_to(ROOT)} changed; starting again")
        try:
            built.build_messages(self.instance)
            if built.static_changed(self.instance):
                collecting = built.collect_static(self.instance, self.environment)
                self._finish("collecting static files", collecting, self.instance.logs / "static.log")
                built.static_collected(self.instance)
        except (Refusal, RuntimeError) as error:
            self._say(str(error))
            return
        for child in self._programs():
            child.again()

    def _programs(self) -> list[Child]:
        return [child for child in self.children if child.name not in {"postgres", "valkey"}]

    def _look_after_children(self) -> None:
        for child in self.children:
            said = child.look()
            if said:
                self._say(said)
        collect_orphans({child.pid for child in self.children})

    def _stop(self) -> None:
        """Programs first, then the broker, then the database; then whatever descends from us and is still there."""
        own = self._programs()
        broker = [child for child in self.children if child.name == "valkey"]
        database = [child for child in self.children if child.name == "postgres"]
        for group in (own, broker, database):
            for child in group:
                child.ask_to_stop()
            for child in group:
                end = time.monotonic() + (1 if self._stop_asked > 1 else child.stop_seconds)
                if not child.wait_stopped(end):
                    self._say(f"{child.name} did not stop by itself and was killed.")
        for _attempt in range(50):
            left = descendants()
            if not left:
                break
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            collect_orphans(set())
            time.sleep(0.02)
        for listener in self._listeners:
            listener.close()

    def _ask_stop(self, _sign: int, _frame: object) -> None:
        self._stop_asked += 1

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # nobody may be listening any more
            print(line, flush=True)

    def _say(self, sentence: str) -> None:
        self._note(sentence)
        with contextlib.suppress(OSError):
            print(sentence, file=sys.stderr, flush=True)

    def _note(self, sentence: str) -> None:
        now = datetime.now(tz=UTC).isoformat(sep=" ", timespec="milliseconds")
        with contextlib.suppress(OSError), (self.instance.logs / "supervisor.log").open("a") as log:
            log.write(f"{now} {sentence}\n")


def collect_orphans(ours: "set[int | None]") -> None:
    """Bury the dead that were adopted; those of `ours` are buried by their own keeper."""
    while True:
        try:
            dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if dead is None or dead.si_pid in ours:
            return
        with contextlib.suppress(ChildProcessError):
            os.waitpid(dead.si_pid, os.WNOHANG)


def descendants() -> list[int]:
    """The children of this process that are alive; grandchildren become children when their parents end."""
    found = []
    for path in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in path.read_text().split()]
    return [pid for pid in found if linux.alive(pid)]
