"""What the house does by itself and nobody waits for: anchors, backups, retention, proofs. Each as often as set.

One process does them, one at a time; a second one finds nothing to do. The database's clock decides what is due.
"""

import logging
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connections

from mes import env
from mes.kernel import anchoring, chores, retention
from mes.kernel.backup import taking
from mes.kernel.backup.manifest import MANIFEST, backups_in
from mes.kernel.invariants import INVARIANTS, rows_looked_at, violations
from mes.kernel.verify import breaks

log = logging.getLogger(__name__)

DAY = 86_400.0
#: A house that has just been opened is busy enough: what was never done before waits so long.
SETTLE = 600.0
PAUSE = 15.0


class Unproved(Exception):
    """Invariants or chains do not hold; the message names the first."""


def plan() -> list[tuple[str, float, Callable[[], str]]]:
    """Each chore: its name, after how many seconds it is due again, and what it does."""
    found: list[tuple[str, float, Callable[[], str]]] = [
        ("anchors", settings.ANCHOR_MINUTES * 60.0, anchoring.write_anchors),
        ("backup", settings.BACKUP_HOURS * 3600.0, back_up),
        ("retention", DAY, retention.sweep),
        ("proof", DAY, prove),
    ]
    return [each for each in found if each[1] > 0]


def keep(stop: Callable[[], bool], settle: float = SETTLE, pause: float = PAUSE) -> None:
    """Look what is due, again and again, until STOP says so. What fails is told on the health page and tried again."""
    began = time.monotonic()
    while not stop():
        try:
            look(is_settled=time.monotonic() - began >= settle)
        except DatabaseError:  # away or restarting; the next look finds it again
            log.exception("The database cannot be asked what is due")
            connections.close_all()
        end = time.monotonic() + pause
        while not stop() and time.monotonic() < end:
            time.sleep(0.2)


def look(*, is_settled: bool = True) -> list[str]:
    """Do what is due now. Returns the names of what was done well."""
    chores.note("keeper", good=True)
    did = []
    for name, seconds, act in plan():
        try:
            if (is_settled or name in chores.all_done()) and chores.do(name, seconds, act):
                did.append(name)
        except DatabaseError:
            log.exception("The chore %s failed", name)
            connections.close_all()
        except Exception:
            log.exception("The chore %s failed", name)
    return did


def back_up() -> str:
    """A verified backup into a folder of its own, then older ones beyond those that are kept go."""
    place = Path(settings.BACKUP_DIR)
    folder = place / f"mes-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    manifest = taking.take(folder, passphrase=env.text("MES_BACKUP_PASSPHRASE"))
    gone = thin_out(place)
    size = sum(each["bytes"] for each in manifest.files.values())
    return f"{sum(manifest.tables.values())} rows, {size / 1e6:.1f} MB in {folder}; {gone} older removed"


def thin_out(place: Path) -> int:
    """Remove the oldest finished backups beyond those kept, and what an interrupted one left a day ago."""
    gone = 0
    mine = [path for path, _manifest in backups_in(place) if path.name.startswith("mes-")]
    for path in mine[: -max(1, settings.BACKUP_KEEP)]:
        shutil.rmtree(path)
        gone += 1
    yesterday = (datetime.now(UTC) - timedelta(days=1)).timestamp()
    for path in place.glob("mes-*"):
        if path.is_dir() and not (path / MANIFEST).exists() and path.stat().st_mtime < yesterday:
            shutil.rmtree(path)
            gone += 1
    return gone


def prove() -> str:
    """Every invariant and every chain with all anchors. Raises Unproved with what does not hold."""
    broken = violations()
    if broken:
        raise Unproved(f"Violations: {len(broken)}, the first: {broken[0].code}: {broken[0].text}")
    found, events, chains = breaks(anchoring.read_folder())
    if found:
        raise Unproved(f"Breaks in the event log: {len(found)}, the first: {found[0]}")
    return f"0 violations in {len(INVARIANTS)} invariants, {rows_looked_at()} rows; {events} events in {chains} chains"
