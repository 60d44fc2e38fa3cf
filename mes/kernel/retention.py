"""What is deleted after its time: each app registers what may go, after how many days; a nightly sweep takes batches.

Facts stay. The database itself refuses to delete rows of these tables before their time.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.db import connection, transaction

BATCH = 5000
#: So many batches of one rule in a night: the sweep must end, and the next night goes on.
MOST = 2000


@dataclass(frozen=True)
class Rule:
    """`sql` deletes at most `%(batch)s` rows older than `%(days)s` days; `days` 0 keeps them for ever."""

    name: str
    says: str
    days: Callable[[], int]
    sql: str


RULES: dict[str, Rule] = {}


def keep_for(name: str, says: str, days: Callable[[], int], sql: str) -> None:
    """Register what may go. DAYS is asked at each sweep; the table's own trigger may demand longer."""
    if name in RULES:
        raise ValueError(f"The retention rule {name!r} is registered twice.")
    RULES[name] = Rule(name, says, days, sql)


def sweep() -> str:
    """Delete what is over its time, in short transactions. Returns what went, in a sentence."""
    gone = {name: _swept(rule) for name, rule in RULES.items() if rule.days() > 0}
    said = ", ".join(f"{count} {name}" for name, count in gone.items() if count)
    return f"Deleted: {said}" if said else "Nothing was over its time"


def _swept(rule: Rule) -> int:
    total = 0
    for _batch in range(MOST):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(rule.sql, {"days": rule.days(), "batch": BATCH})
            total += cursor.rowcount
            if cursor.rowcount < BATCH:
                break
    return total
