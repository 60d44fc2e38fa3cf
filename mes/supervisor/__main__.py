"""`python -m mes.supervisor DATA CWD COMMAND …`: a management command on an instance, running or stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from mes.embedded import linux
from mes.supervisor.instance import ROOT, Instance, Refusal
from mes.supervisor.servers import Servers


def main(data: str, cwd: str, *command: str) -> int:
    """Runs it in `cwd`, as its caller stands there. Returns the command's exit status. Raises Refusal."""
    instance = Instance(Path(data))
    if not instance.exists() and command[:1] != ("restore",):  # which makes a folder of its own from a backup
        raise Refusal(f"{data} is no data folder of this product: start it once with `python3 run.py --data {data}`.")
    instance.prepare()
    alone = claim(instance)
    servers = Servers(instance, is_ours=alone)
    database = None
    try:
        if servers.postgres is not None:
            if alone:
                try:
                    database = servers.postgres.start(instance.logs / "postgres.log")
                except RuntimeError as error:
                    raise Refusal(str(error)) from error
                servers.ensure_database()
            else:
                wait_for_database(servers, instance)
        env = instance.environment(servers.addresses())
        python_path = os.pathsep.join(filter(None, [str(ROOT), env.get("PYTHONPATH")]))
        return run([sys.executable, str(ROOT / "manage.py"), *command], cwd, env | {"PYTHONPATH": python_path})
    finally:
        if database is not None and servers.postgres is not None:
            servers.postgres.stop(database)


def claim(instance: Instance) -> bool:
    """True when the instance sleeps and is ours now; false when it runs. Another command's turn is waited for."""
    while not instance.claim("manage"):
        if instance.holder() == "up":
            return False
        time.sleep(0.1)
    return True


def wait_for_database(servers: Servers, instance: Instance) -> None:
    end = time.monotonic() + 60
    while servers.postgres is not None and not servers.postgres.ready():
        if time.monotonic() > end:
            raise Refusal(f"{instance.folder} runs but its database does not answer; see {instance.logs}.")
        time.sleep(0.1)


def run(command: list[str], cwd: str, env: dict[str, str]) -> int:
    """Like a shell would: Ctrl-C reaches the command, which shares our terminal; a TERM is passed on."""
    process = subprocess.Popen(command, cwd=cwd, env=env, preexec_fn=lambda: linux.die_with_parent(signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _frame: process.send_signal(number))
    status = process.wait()
    return 128 - status if status < 0 else status


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(2)
