"""Taking a backup of a running plant: one snapshot for dump, anchors and counts, then everything read back.

The app role suffices; nobody is stopped and no lock is taken that a scan would meet.
"""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from mes.kernel.backup import keys, programs
from mes.kernel.backup.manifest import ANCHORS, DATABASE, SEALED_KEY, Manifest, files_of, measured, verify_files, write
from mes.kernel.verify import anchor_lines

#: What each app knows of the plants in the database, as `{"code", "name"}`; registered by whoever owns them.
PLANTS: list[Callable[[], list[dict[str, str]]]] = []


class NotTaken(Exception):
    """The backup failed and its remains are gone; the message says why and what to do."""


def product_version() -> str:
    """The version of the product as its project file states it."""
    try:
        return version("floor-mes")
    except PackageNotFoundError:
        text = (Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8")
        return text.partition('\nversion = "')[2].partition('"')[0]


def take(folder: Path, *, passphrase: str = "") -> Manifest:
    """A verified backup in FOLDER, which must be new or empty. Returns its manifest. Raises NotTaken.

    With PASSPHRASE the key of stored credentials is added, sealed by it; without, the key stays out of the backup.
    """
    if passphrase and len(passphrase) < keys.SHORTEST:
        raise NotTaken(f"The passphrase is too short: use at least {keys.SHORTEST} characters.")
    is_new = _open(folder)
    try:
        manifest = _dump(folder, passphrase)
        _verify(folder, manifest)
        write(folder, manifest)
    except BaseException as error:
        _leave_nothing(folder, is_new)
        if isinstance(error, programs.ProgramFailed | programs.ProgramMissing | OSError | DatabaseError):
            raise NotTaken(_why(error, folder)) from error
        raise
    return manifest


def _open(folder: Path) -> bool:
    """Make the folder; true when it was not there before."""
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise NotTaken(f"{folder} is not empty: name a new folder, so that no older backup is lost.")
    except OSError as error:
        raise NotTaken(f"{folder} cannot be written ({error.strerror}): name another folder.") from error
    return is_new


def _dump(folder: Path, passphrase: str) -> Manifest:
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        cursor.execute("SET LOCAL lock_timeout = '60s'")  # a migration may hold a table for a moment
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        made_at = datetime.now(UTC)
        chains = _write_anchors(folder / ANCHORS)
        facts = _facts(cursor)
        programs.run(
            "pg_dump",
            "--format=directory",
            "--no-owner",
            "--no-privileges",
            f"--snapshot={snapshot}",
            f"--file={folder / DATABASE}",
        )
    own = keys.own_keys()
    if passphrase:
        sealed = folder / SEALED_KEY
        sealed.touch(mode=0o600)
        sealed.write_bytes(keys.seal(own, passphrase))
    return Manifest(
        made_at=made_at.isoformat(timespec="milliseconds"),
        product=product_version(),
        server_major=programs.server_major(),
        program=programs.run("pg_dump", "--version").strip(),
        chains=chains,
        key_mark=keys.mark_of(own),
        has_sealed_key=bool(passphrase),
        files={name: measured(folder / name) for name in files_of(folder)},
        **facts,
    )


def _write_anchors(path: Path) -> int:
    count = 0
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8") as file:
        for line in anchor_lines():
            file.write(f"{line}\n")
            count += 1
    return count


def _facts(cursor: Any) -> dict[str, Any]:
    """What the snapshot holds: rows of each table, plants, migrations, the newest event."""
    cursor.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        " ORDER BY c.relname"
    )
    tables = {}
    for (table,) in cursor.fetchall():
        cursor.execute(f'SELECT count(*) FROM public."{table}"')  # noqa: S608 - a name from the catalog
        tables[table] = cursor.fetchone()[0]
    cursor.execute("SELECT coalesce(max(id), 0) FROM kernel_event")
    (last_event,) = cursor.fetchone()
    migrations: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        migrations.setdefault(app, []).append(name)
    plants = [plant for ask in PLANTS for plant in ask()]
    return {"tables": tables, "last_event": last_event, "migrations": migrations, "plants": plants}


def _verify(folder: Path, manifest: Manifest) -> None:
    """What was written is what was there: every file again from the disk, every row of the dump counted."""
    verify_files(folder, manifest)
    rows = programs.dumped_rows(folder / DATABASE)
    for table, count in manifest.tables.items():
        if rows.get(table) != count:
            raise programs.ProgramFailed(f"The dump holds {rows.get(table, 'no')} rows of {table} instead of {count}.")


def _leave_nothing(folder: Path, is_new: bool) -> None:
    """What is half written must not be taken for a backup, nor fill the disk."""
    for path in folder.iterdir() if folder.exists() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if is_new:
        shutil.rmtree(folder, ignore_errors=True)


def _why(error: Exception, folder: Path) -> str:
    text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    if "No space left" in text:
        return f"There is no room for the backup in {folder}: free space there, or name a folder on another disk."
    if isinstance(error, programs.ProgramMissing):
        return text
    return f"The backup failed and was taken away again: {text}"
