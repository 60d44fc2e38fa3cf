"""`run.py check`: linters, types, import contracts, migrations and Django's own checks, side by side. Runs no test."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from mes.embedded import Postgres, roles
from mes.supervisor.instance import ROOT


class Result(NamedTuple):
    name: str
    seconds: float
    status: int
    said: str


def tools() -> dict[str, list[str]]:
    """By name: the command. Those that need a database end in `manage.py …`."""
    python = sys.executable
    return {
        "types": [python, "-m", "mypy"],
        "lint": [python, "-m", "ruff", "check"],
        "format": [python, "-m", "ruff", "format", "--check"],
        "imports": [python, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        "system": [python, "manage.py", "check", "--fail-level", "WARNING"],
        "migrations": [python, "manage.py", "check_migrations"],
    }


def run(name: str, command: Sequence[str], env: Mapping[str, str]) -> Result:
    started = time.monotonic()
    done = subprocess.run(
        list(command),
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode(errors="replace").strip()
    return Result(name, time.monotonic() - started, done.returncode, said)


def check(names: Sequence[str]) -> list[Result]:
    """Run the named tools, or all, two at a time beside a throw-away database."""
    chosen = {name: command for name, command in tools().items() if not names or name in names}
    home = Path(tempfile.mkdtemp(prefix="mes-check-"))
    postgres = Postgres(home, settings={"fsync": "off"})
    server = postgres.start(home / "postgres.log")
    try:
        roles.ensure_database(postgres.url())
        url = postgres.url(roles.DATABASE, roles.OWNER)
        env = os.environ | {"MES_DEBUG": "1", "DATABASE_URL": url, "DATABASE_OWNER_URL": url, "NO_COLOR": "1"}
        with ThreadPoolExecutor(max_workers=2) as pool:
            started = [pool.submit(run, name, command, env) for name, command in chosen.items()]
            return [future.result() for future in started]
    finally:
        postgres.stop(server)
        shutil.rmtree(postgres.data.parent, ignore_errors=True)
        shutil.rmtree(postgres.sockets, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def main(names: Sequence[str]) -> int:
    unknown = sorted(set(names) - tools().keys())
    if unknown:
        print(f"There is no check named {unknown[0]}; there are: {', '.join(tools())}.", file=sys.stderr)
        return 2
    results = check(names)
    for result in results:
        if result.status:
            print(f"\n== {result.name} ==\n{result.said}\n")
    for result in results:
        print(f"{result.name:<11} {'failed' if result.status else 'passed'}  {result.seconds:5.1f} s")
    return 1 if any(result.status for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
