"""What is done again and again, and when it last went well: drains, backups, anchors, proofs. One row per chore.

No command: nobody decides them, and no fact of the floor lies here. Health reads these rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

NOTE = """
INSERT INTO kernel_chore (name, last_at, good_at, is_good, says)
VALUES (%(name)s, statement_timestamp(), CASE WHEN %(good)s THEN statement_timestamp() END, %(good)s, %(says)s)
ON CONFLICT (name) DO UPDATE
   SET last_at = excluded.last_at, is_good = excluded.is_good, says = excluded.says,
       good_at = coalesce(excluded.good_at, kernel_chore.good_at)
"""


@dataclass(frozen=True)
class Done:
    """How a chore last went, with ages by the database's clock."""

    name: str
    last_at: datetime
    good_at: datetime | None
    is_good: bool
    says: str
    age: float
    good_age: float | None


def note(name: str, *, good: bool, says: str = "") -> None:
    """Write down how NAME went just now. What went badly must say so."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, {"name": name, "good": good, "says": says[:500]})


def all_done() -> dict[str, Done]:
    """Every chore that was ever done, by its name, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, last_at, good_at, is_good, says, extract(epoch FROM clock_timestamp() - last_at)::float8,"
            " extract(epoch FROM clock_timestamp() - good_at)::float8 FROM kernel_chore"
        )
        return {row[0]: Done(*row) for row in cursor.fetchall()}


def is_due(name: str, seconds: float) -> bool:
    """Whether NAME was not done well for SECONDS. What failed is tried again after a tenth of that time."""
    done = all_done().get(name)
    if done is None:
        return True
    return done.age >= seconds if done.is_good else done.age >= min(seconds, max(seconds / 10, 60))


@contextmanager
def only_here(name: str) -> Iterator[bool]:
    """True when no other process does NAME at this moment; it is ours until the block ends or this process dies."""
    key = f"mes chore {name}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [key])
        (ours,) = cursor.fetchone()
    try:
        yield ours
    finally:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [key])


def do(name: str, seconds: float, act: Callable[[], str]) -> bool:
    """Do NAME when it is due and nobody else does it; ACT returns what it did. True when it was done well."""
    if not is_due(name, seconds):
        return False
    with only_here(name) as ours:
        if not ours or not is_due(name, seconds):
            return False
        try:
            says = act()
        except Exception as error:  # whatever goes wrong is told on the health page and tried again
            note(name, good=False, says=str(error) or type(error).__name__)
            raise
        note(name, good=True, says=says)
        return True
