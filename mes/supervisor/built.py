"""What is built from the checkout into the data folder when it changed: translations and hashed static files."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from mes.supervisor import messages
from mes.supervisor.instance import ROOT, Instance, Refusal


def build_messages(instance: Instance) -> None:
    try:
        messages.compile_all(ROOT / "locale", instance.locale)
    except messages.BadMessages as error:
        raise Refusal(str(error)) from error


def static_changed(instance: Instance) -> bool:
    marker = instance.static / ".collected"
    return not marker.exists() or marker.read_text() != _static_fingerprint()


def collect_static(instance: Instance, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Starts collecting; when it ends well, `static_collected` notes it."""
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    with (instance.logs / "static.log").open("ab") as out:
        return subprocess.Popen(
            command, cwd=ROOT, env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )


def static_collected(instance: Instance) -> None:
    (instance.static / ".collected").write_text(_static_fingerprint())


def _static_files() -> Iterator[Path]:
    yield from sorted((ROOT / "static").rglob("*"))
    package = find_spec("django_htmx")
    if package is not None and package.origin is not None:
        yield from sorted((Path(package.origin).parent / "static").rglob("*"))


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for path in _static_files():
        if path.is_file():
            stat = path.stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
