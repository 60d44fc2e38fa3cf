#!/usr/bin/env python3
"""Sets up and runs, tests or checks the project with nothing but Python's standard library. What it starts lives in
`mes/supervisor`. Every Python since 3.6 must be able to read this file, to be told that it is too old."""

import argparse
import fcntl
import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

OLDEST = (3, 11)
HERE = Path(__file__).resolve().parent
MARKER = ".mes-installed"


class Refusal(Exception):
    """One plain sentence for standard error; the exit status is 2."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> "None":  # type: ignore[override]
        raise Refusal("{}: {}; see `python3 run.py --help`.".format(self.prog, message))


def main(arguments: "list[str]") -> int:
    if sys.version_info < OLDEST:
        need, have = "{}.{}".format(*OLDEST), "{}.{}".format(*sys.version_info[:2])
        raise Refusal("Python {} or newer is needed and this is {}: try `python{} run.py`.".format(need, have, need))
    command = arguments[0] if arguments[:1] and arguments[0] in COMMANDS else "up"
    return COMMANDS[command](arguments if command == "up" else arguments[1:])


def up(arguments: "list[str]") -> int:
    parser = Parser(
        prog="run.py",
        description="Sets up and runs the whole product. Other commands: run.py test, run.py check, run.py manage.",
    )
    parser.add_argument("--port", type=int, default=8000, help="port of the pages (default 8000)")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine only)"
    )
    parser.add_argument("--data", type=Path, help="folder that keeps everything (default: var, beside this file)")
    parser.add_argument("--empty", action="store_true", help="without the demo plant")
    parser.add_argument("--no-simulation", action="store_true", help="the demo plant stands still")
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with a local certificate authority")
    parser.add_argument(
        "--debug", action="store_true", help="for development: error pages, restart when a file changes"
    )
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.port <= 65535:
        raise Refusal("--port must be between 1 and 65535, not {}.".format(chosen.port))
    data = data_folder(chosen.data)
    python = environment("run")
    command = [str(python), "manage.py", "up", "--port", str(chosen.port), "--host", chosen.host, "--data", str(data)]
    for flag in ("empty", "no_simulation", "tls", "debug"):
        if getattr(chosen, flag):
            command.append("--" + flag.replace("_", "-"))
    return replace_by(command)


def manage(arguments: "list[str]") -> int:
    parser = Parser(prog="run.py manage", description="Any management command on a running or stopped instance.")
    parser.add_argument("--data", type=Path, help="folder of the instance (default: var, beside this file)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    chosen = parser.parse_args(arguments)
    if not chosen.command:
        raise Refusal("run.py manage: name a command, for example `python3 run.py manage --data DIR check_invariants`.")
    data = data_folder(chosen.data)
    return replace_by([str(environment("run")), "-m", "mes.supervisor", str(data), os.getcwd(), *chosen.command])


def check(arguments: "list[str]") -> int:
    return replace_by([str(environment("test")), "-m", "mes.supervisor.checks", *arguments])


def test(arguments: "list[str]") -> int:
    python = environment("test")
    install_browser()
    os.chdir(str(HERE))
    checked = subprocess.call([str(python), "-m", "mes.supervisor.checks"], stdin=subprocess.DEVNULL)
    command = [str(python), "-m", "pytest"]
    if not any(word.startswith(("-n", "--numprocesses", "--pdb")) for word in arguments):
        command += ["-n", "2"]
    tested = subprocess.call(command + arguments, stdin=None if "--pdb" in arguments else subprocess.DEVNULL)
    if checked:
        print("The checks failed; their report stands above the tests.", file=sys.stderr)
    return tested or checked


COMMANDS = {"up": up, "manage": manage, "check": check, "test": test}


def replace_by(command: "list[str]") -> int:
    os.chdir(str(HERE))
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606


def data_folder(chosen: "Path | None") -> Path:
    if chosen is not None:
        return Path(os.path.abspath(str(chosen)))
    return HERE / "var" if os.access(str(HERE), os.W_OK) else own_folder() / "var"


def own_folder() -> Path:
    """Where things go when the checkout cannot be written to: a folder of this user, named after the checkout."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    name = "mes-" + hashlib.sha256(str(HERE).encode()).hexdigest()[:12]
    for base in (cache, os.path.join(tempfile.gettempdir(), "mes-of-{}".format(os.getuid()))):
        folder = Path(base) / name
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if folder.stat().st_uid == os.getuid() and os.access(str(folder), os.W_OK):
            return folder
    raise Refusal(
        "Neither {} nor a cache folder can be written to: set XDG_CACHE_HOME to a folder of yours.".format(HERE)
    )


def environment(kind: str) -> Path:
    """The Python of a virtual environment that holds requirements/KIND.txt exactly; made or mended when it does not."""
    folder = (HERE if os.access(str(HERE), os.W_OK) else own_folder()) / ".venv"
    wanted = [kind] if kind == "run" else ["run", "test"]  # the test set contains the other
    marks = {name: fingerprint(HERE / "requirements" / (name + ".txt")) for name in wanted}
    python = folder / "bin" / "python"
    if installed(folder, marks[kind], python):
        return python
    with (folder.parent / ".venv.lock").open("w") as lock:
        wait_for(lock)
        if installed(folder, marks[kind], python):
            return python
        need_venv()
        if not works(python):
            say("Making a virtual environment in {} …".format(folder))
            run([sys.executable, "-m", "venv", "--clear", str(folder)], "The virtual environment could not be made")
        say(
            "Installing {} (once; under a minute on most lines) …".format(
                "everything" if kind == "run" else "the test set"
            )
        )
        requirements = str(HERE / "requirements" / (kind + ".txt"))
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        run([*pip, "--require-hashes", "-r", requirements], "The installation failed")
        (folder / MARKER).write_text("\n".join(sorted(marks.values())) + "\n")
    return python


def fingerprint(requirements: Path) -> str:
    return "{}-{}".format(requirements.stem, hashlib.sha256(requirements.read_bytes()).hexdigest())


def installed(folder: Path, mark: str, python: Path) -> bool:
    marker = folder / MARKER
    return marker.exists() and mark in marker.read_text().split() and works(python)


def works(python: Path) -> bool:
    """Whether the environment runs, is new enough and has pip. It may be of another version than this Python: an
    instance may be running from it, under which it must not be taken away."""
    look = "import sys, importlib.util as u; sys.exit(not (u.find_spec('pip') and sys.version_info >= {!r}))"
    try:
        quiet = subprocess.DEVNULL
        return subprocess.call([str(python), "-c", look.format(OLDEST)], stdout=quiet, stderr=quiet) == 0
    except OSError:
        return False


def need_venv() -> "None":
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise Refusal(
            "This Python has no venv module: run `apt-get install python3-venv`, or your system's own, and start again."
        )


def wait_for(lock: "IO[str]") -> "None":
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Another start is installing; waiting for it …")
        fcntl.flock(lock, fcntl.LOCK_EX)


def run(command: "list[str]", failure: str) -> "None":
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if done.returncode:
        lines = done.stdout.decode(errors="replace").strip().splitlines()
        raise Refusal("{}: {}".format(failure, " / ".join(line.strip() for line in lines[-6:]) or "no reason given"))


def install_browser() -> "None":
    """Chromium by apt when root and absent. The tests themselves say why they skip where there is none."""
    if any(os.access(os.path.join(folder, name), os.X_OK) for folder in os.get_exec_path() for name in BROWSERS):
        return
    if os.environ.get("MES_CHROMIUM") or os.getuid() != 0 or not os.access("/usr/bin/apt-get", os.X_OK):
        return
    say("Installing Chromium for the browser tests …")
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
        started = time.monotonic()
        try:
            done = subprocess.run(
                ["apt-get", *arguments],
                env=quiet,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=300,
                check=False,
            )
            reason = "" if done.returncode == 0 else done.stdout.decode(errors="replace").strip()[-300:]
        except subprocess.TimeoutExpired:
            reason = "apt-get took longer than {:.0f} s".format(time.monotonic() - started)
        if reason and arguments[0] == "install":
            os.environ["MES_CHROMIUM_MISSING"] = "Chromium could not be installed: " + reason


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def say(sentence: str) -> "None":
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
