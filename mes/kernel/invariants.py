"""Invariants as queries: each app registers its own; `manage.py check_invariants` runs them all. A violation is a
row.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection


@dataclass(frozen=True)
class Invariant:
    """`sql` selects the violations, each as one text that a person can follow up; `counted` is the table it looks
    at.
    """

    code: str
    says: str
    sql: str
    counted: str


@dataclass(frozen=True)
class Violation:
    code: str
    text: str


INVARIANTS: dict[str, Invariant] = {}


def invariant(code: str, says: str, counted: str, sql: str) -> None:
    """Register one invariant. SQL selects one text column, a row per violation, none when all is well."""
    if code in INVARIANTS:
        raise ValueError(f"The invariant {code!r} is registered twice.")
    INVARIANTS[code] = Invariant(code, says, sql, counted)


def violations(codes: Callable[[str], bool] = bool) -> list[Violation]:
    """Every violation of the registered invariants, at most 100 each."""
    found = []
    with connection.cursor() as cursor:
        for entry in INVARIANTS.values():
            if codes(entry.code):
                cursor.execute(f"SELECT * FROM ({entry.sql}) AS v LIMIT 100")  # noqa: S608 - our own text
                found += [Violation(entry.code, str(row[0])) for row in cursor.fetchall()]
    return found


def rows_looked_at() -> int:
    """How many rows the invariants' tables hold: a check of nothing must not look like a pass."""
    with connection.cursor() as cursor:
        total = 0
        for table in sorted({entry.counted for entry in INVARIANTS.values()}):
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
            total += cursor.fetchone()[0]
    return total


invariant(
    "I-30-chain-heads",
    "every subject's head equals its newest event, and sequences have no gap",
    "kernel_event",
    """
    SELECT format('subject %s: head %s, events %s, newest %s', h.subject, h.seq, count(e.id), max(e.seq))
      FROM kernel_eventhead h LEFT JOIN kernel_event e ON e.subject = h.subject
     GROUP BY h.subject, h.seq HAVING h.seq <> count(e.id) OR h.seq <> coalesce(max(e.seq), 0)
    """,
)
invariant(
    "I-33-receipts",
    "every event of a command stands beside its settled receipt",
    "kernel_commandreceipt",
    """
    SELECT format('event %s of command %s has no settled receipt', e.id, e.command_id)
      FROM kernel_event e LEFT JOIN kernel_commandreceipt r ON r.command_id = e.command_id
     WHERE (r.command_id IS NULL AND e.recorded_at > now() - interval '400 days')
        OR (r.command_id IS NOT NULL AND r.outcome IS NULL)
    """,
)
invariant(
    "I-38-deliveries",
    "a delivery is open, done, parked with a reason or skipped, and waits in the line of its event's subject",
    "kernel_delivery",
    """
    SELECT format('delivery %s is %s', d.id, CASE WHEN d.subject <> e.subject THEN 'in the line of ' || d.subject
                  WHEN d.status = 'PARKED' THEN 'parked without a reason' ELSE d.status || ' without its time' END)
      FROM kernel_delivery d JOIN kernel_event e ON e.id = d.event_id
     WHERE d.subject <> e.subject OR d.status NOT IN ('OPEN', 'DONE', 'PARKED', 'SKIPPED')
        OR d.status = 'PARKED' AND d.parked_reason = '' OR d.status = 'DONE' AND d.settled_at IS NULL
    """,
)
invariant(
    "K-chores",
    "a chore that went well has the time it did, none in the future of its last, and one that failed says why",
    "kernel_chore",
    """
    SELECT format('chore %s: last %s, well %s, good: %s', name, last_at, good_at, is_good)
      FROM kernel_chore
     WHERE good_at > last_at OR is_good AND good_at IS NULL OR NOT is_good AND says = ''
    """,
)
