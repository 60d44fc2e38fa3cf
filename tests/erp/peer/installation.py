"""Installs a real Tryton into its own environment, outside the project's, and seeds one database to copy from.

Both are kept in a cache folder (MES_TEST_CACHE, else the user's) under the hash of what they are made from, so that a
machine pays once. Nothing of Tryton is imported by the tests: they talk to it over HTTP, as the product does.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
DATABASE = "erp"
MODULES = ["production", "production_routing", "production_work", "production_work_timesheet", "stock_lot"]
ADMIN_PASSWORD = "admin-for-tests-only"


def cache() -> Path:
    folder = os.environ.get("MES_TEST_CACHE")
    if not folder:
        folder = str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "floor-mes-tests")
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def programs() -> Path:
    """The folder with the peer's python and trytond, installed now if need be."""
    demands = (HERE / "requirements.txt").read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache() / f"tryton-{_hash(demands, version.encode())}"
    with _once(folder) as missing:
        if missing:
            _install(folder)
    return folder / "bin"


def seeded() -> Path:
    """A folder with the SQLite file of a freshly seeded plant; to be copied, not used."""
    bin_ = programs()
    folder = cache() / f"plant-{_hash((HERE / 'seed.py').read_bytes(), bin_.parent.name.encode(), *_modules())}"
    with _once(folder) as missing:
        if missing:
            _seed(folder, bin_)
    return folder


def write_configuration(folder: Path, port: int) -> Path:
    path = folder / "trytond.conf"
    path.write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n\n[web]\nlisten = 127.0.0.1:{port}\n\n"
        "[session]\nsuper_pwd =\nmax_attempt = 1000\nauthentications = password\n"
    )
    return path


def _modules() -> list[bytes]:
    return [name.encode() for name in MODULES]


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    demands = str(HERE / "requirements.txt")
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        _run([uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), "-r", demands])
    else:
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", demands])


def _seed(folder: Path, bin_: Path) -> None:
    configuration = write_configuration(folder, 0)
    password = folder / "password"
    password.write_text(ADMIN_PASSWORD)
    (folder / f"{DATABASE}.sqlite").touch()
    admin = [str(bin_ / "trytond-admin"), "-c", str(configuration), "-d", DATABASE]
    environment = {**os.environ, "TRYTONPASSFILE": str(password)}
    _run([*admin, "--all", "-l", "en", "--email", "admin@example.com", "--password"], environment)
    _run([*admin, "-u", *MODULES, "--activate-dependencies"], environment)
    _run(
        [str(bin_ / "python"), str(HERE / "seed.py"), str(configuration), f"sqlite:///{DATABASE}"],
        {**os.environ, "TRYTOND_CONFIG": str(configuration)},
    )


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def _hash(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


@contextmanager
def _once(folder: Path) -> Iterator[bool]:
    """Several test processes may come at once: one builds, the others wait. A half-built folder is built anew."""
    ready = folder / ".ready"
    with Path(f"{folder}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if ready.exists():
            yield False
            return
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield True
        ready.touch()
