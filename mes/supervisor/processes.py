"""The processes of an instance besides its servers: what runs and how it stops. Starts none."""

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mes.supervisor.tls import Certificate

#: Queues of each worker process and how many tasks it does at once; sized for two cores.
WORKERS = {
    "worker": ("events,default", 2),
    "worker-erp": ("erp", 1),
    "worker-devices": ("devices", 1),
    "collector": ("collect", 4),
}
#: The collector reads machines in its own process, which forked children or their renewal would end.
POOLS = {"collector": ("--pool", "threads")}


@dataclass(frozen=True)
class Process:
    name: str
    command: tuple[str, ...]
    stop_signal: signal.Signals = signal.SIGTERM
    #: What the kernel sends when the supervisor was killed; with TERM a worker would finish its tasks first.
    orphan_signal: signal.Signals = signal.SIGTERM
    #: Started only where this management command exists and the demo is wanted.
    needs_command: str = ""
    fds: tuple[int, ...] = ()


def processes(
    debug: bool, listeners: Sequence[int], folder: Path, certificate: Certificate | None = None
) -> list[Process]:
    """`listeners` are the file descriptors of the pages' and the stream's sockets; with `certificate` both use TLS."""
    web, stream = listeners
    python = sys.executable
    level = "info" if debug else "warning"
    found = [
        Process(
            "web",
            (
                *(python, "-m", "gunicorn", "--config", "python:mes.supervisor.gunicorn_settings"),
                *("--bind", f"fd://{web}"),
                *(("--certfile", str(certificate.chain), "--keyfile", str(certificate.key)) if certificate else ()),
            ),
            fds=(web,),
        ),
        Process(
            "stream",
            (
                *(python, "-m", "uvicorn", "mes.asgi:application", "--fd", str(stream), "--log-level", level),
                *("--timeout-graceful-shutdown", "2", "--no-access-log", "--lifespan", "off"),
                *(("--ssl-certfile", str(certificate.chain)) if certificate else ()),
                *(("--ssl-keyfile", str(certificate.key)) if certificate else ()),
            ),
            fds=(stream,),
        ),
    ]
    for name, (queues, at_once) in WORKERS.items():
        command = (python, "-m", "celery", "--app", "mes", "worker", "--queues", queues, "--concurrency", str(at_once))
        found.append(
            Process(
                name,
                (
                    *command,
                    *POOLS.get(name, ()),
                    "--hostname",
                    f"{name}@%h",
                    "--loglevel",
                    level,
                    "--without-gossip",
                    "--without-mingle",
                ),
                orphan_signal=signal.SIGKILL,
            )
        )
    found.append(
        Process(
            "beat",
            (python, "-m", "celery", "--app", "mes", "beat", "--loglevel", level, "--schedule", str(folder / "beat")),
            orphan_signal=signal.SIGKILL,
        )
    )
    found.append(Process("machines", (python, "manage.py", "simulate_plcs"), needs_command="simulate_plcs"))
    found.append(Process("simulation", (python, "manage.py", "simulate_shift"), needs_command="simulate_shift"))
    return found
