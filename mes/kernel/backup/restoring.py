"""The way back: a backup into an empty database, proved there, with everything unsettled set to ask before it tells.

Runs as the role that owns the tables. The app role gets its rights as the very last step, so that nothing of the
product can work on what is not proved and marked yet.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from mes import env
from mes.embedded.roles import grant_to_app
from mes.kernel import anchoring, chores
from mes.kernel.backup import keys, programs
from mes.kernel.backup.manifest import ANCHORS, DATABASE, SEALED_KEY, BadBackup, Manifest, read, verify_files
from mes.kernel.invariants import INVARIANTS, violations
from mes.kernel.verify import breaks, read_anchors


class NotRestored(Exception):
    """Nothing was restored and the target is as it was; the message says why and what to do."""


@dataclass(frozen=True)
class Restored:
    """What apps are told after a restore. `keys` are the keys that sealed the credentials in the backup, if known."""

    manifest: Manifest
    keys: tuple[str, ...]


#: What each app does before anything may go out again; each returns plain lines about what it did.
AFTER_RESTORE: list[Callable[[Restored], Sequence[str]]] = []


def restore(folder: Path, say: Callable[[str], None], *, plant: str = "", passphrase: str = "") -> bool:
    """Restore FOLDER into the database of this installation. Returns whether everything was proved afterwards.

    Raises NotRestored, with the target untouched, when the backup is damaged, of another plant than PLANT or of a newer
    version, or when the target is not empty.
    """
    try:
        manifest = read(folder)
        say(f"The backup in {folder} was taken {manifest.made_at} by version {manifest.product}.")
        _fits(manifest, plant)
        size = verify_files(folder, manifest)
        say(f"All {len(manifest.files)} files are as they were written ({size / 1e6:.1f} MB).")
        old_keys = _old_keys(folder, manifest, passphrase)
    except (BadBackup, keys.WrongPassphrase) as error:
        raise NotRestored(str(error)) from error
    _target_is_ready(manifest)
    _load(folder, manifest)
    names = ", ".join(f"{each['code']} ({each['name']})" for each in manifest.plants) or "no plant yet"
    say(f"{sum(manifest.tables.values())} rows in {len(manifest.tables)} tables are restored: {names}.")
    call_command("migrate", verbosity=0, interactive=False)
    say("The tables are as this version wants them.")
    for after in AFTER_RESTORE:
        for line in after(Restored(manifest, tuple(old_keys))):
            say(line)
    proved = _proved(folder, say)
    chains, events = anchoring.set_aside()
    if events:
        say(f"Anchors show that {events} later events in {chains} chains are lost: see what must be entered again.")
    anchoring.write_anchors()
    chores.note("restore", good=proved, says=f"The backup of {manifest.made_at} was restored.")
    _grant()
    return proved


def _fits(manifest: Manifest, plant: str) -> None:
    """The right plant, and a version that this one understands."""
    wanted = plant or env.text("MES_PLANT")
    names = " and ".join(f"{each['code']} ({each['name']})" for each in manifest.plants)
    if wanted and not manifest.is_of(wanted):
        raise BadBackup(
            f"This is a backup of {names or 'an installation without a plant'}, not of {wanted}: "
            "name the folder of the right backup, or the plant you mean with --plant."
        )
    known = MigrationLoader(None).disk_migrations
    newer = [f"{app}.{name}" for app, done in manifest.migrations.items() for name in done if (app, name) not in known]
    if newer:
        raise BadBackup(
            f"This backup was taken by a newer version ({manifest.product}; {newer[0]} is not known here): "
            "install that version and restore with it."
        )


def _old_keys(folder: Path, manifest: Manifest, passphrase: str) -> list[str]:
    if manifest.has_sealed_key and passphrase:
        return keys.unseal((folder / SEALED_KEY).read_bytes(), passphrase)
    return []


def _target_is_ready(manifest: Manifest) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN"
            " ('r', 'p', 'v', 'm') ORDER BY c.relname LIMIT 1"
        )
        row = cursor.fetchone()
    if row:
        raise NotRestored(
            f"The database {connection.settings_dict['NAME']} is not empty (it has the table {row[0]}): "
            "restore into a new data folder or an empty database. Nothing was changed."
        )
    major = programs.server_major()
    if major < manifest.server_major:
        raise NotRestored(
            f"The backup comes from PostgreSQL {manifest.server_major} and this server is {major}: "
            f"restore into PostgreSQL {manifest.server_major} or newer. Nothing was changed."
        )


def _load(folder: Path, manifest: Manifest) -> None:
    """All or nothing: one transaction of `pg_restore`, then every table counted."""
    _withhold_rights()
    try:
        programs.run(
            "pg_restore",
            f"--dbname={connection.settings_dict['NAME']}",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--exit-on-error",
            str(folder / DATABASE),
        )
    except (programs.ProgramFailed, programs.ProgramMissing) as error:
        raise NotRestored(f"The dump could not be loaded and the database is empty as before: {error}") from error
    with connection.cursor() as cursor:
        for table, count in manifest.tables.items():
            cursor.execute(f'SELECT count(*) FROM public."{table}"')  # noqa: S608 - names from a verified manifest
            (found,) = cursor.fetchone()
            if found != count:
                raise NotRestored(f"{table} has {found} rows instead of {count}: make the database empty, try again.")


def _app_role() -> str:
    """The role that works with the tables, where it is another than the one that owns them."""
    app = env.text("DATABASE_URL")
    role = str(env.database(app)["USER"]) if app else ""
    return role if role != connection.settings_dict["USER"] else ""


def _withhold_rights() -> None:
    """An earlier preparation may have promised the app role rights on every table to come."""
    role = _app_role()
    if role:
        quoted = connection.ops.quote_name(role)
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {quoted}")
            cursor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM {quoted}")


def _grant() -> None:
    role = _app_role()
    if role:
        grant_to_app(env.text("DATABASE_OWNER_URL"), role)


def _proved(folder: Path, say: Callable[[str], None]) -> bool:
    broken = violations()
    for violation in broken:
        say(f"{violation.code}: {violation.text}")
    say(f"{len(broken)} violations in {len(INVARIANTS)} invariants.")
    found, events, chains = breaks(read_anchors(folder / ANCHORS))
    for text in found:
        say(text)
    if not found:
        say(f"{events} events in {chains} chains verify, and agree with the backup's anchors.")
    return not broken and not found
