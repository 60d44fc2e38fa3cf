"""Row locks, expressed once: `FOR NO KEY UPDATE` (or `FOR SHARE`) in one rank order, with a limit, only inside a
command.

The order is in `docs/lock-order.md`. Asking for a lower rank after a higher one raises `OutOfOrder`: a mistake of the
programmer, caught by any test that walks the path, before two people can catch it as a deadlock.
"""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

from django.db import DatabaseError, OperationalError, connection, models
from django.db.models.sql import Query

from mes.kernel.errors import Busy

#: The rank order. A command takes its locks from the left to the right; equal ranks by the sort key of the rows.
RANKS = (
    "receipt",
    "person",
    "item",
    "work_center",
    "work_unit",
    "order",
    "operation",
    "inspection",
    "nonconformance",
    "lot",
    "genealogy",
    "balance",
    "container",
    "unit",
    "chain",
)
_RANK = {name: place for place, name in enumerate(RANKS)}
#: What PostgreSQL answers when a lock was not to be had in time.
LOCKED = "55P03"

Row = TypeVar("Row", bound=models.Model)


class OutOfOrder(Exception):
    """Locks were asked for in an order that could deadlock with another command."""


class Held:
    """The locks one command holds: per rank the keys already locked, and the highest rank asked for."""

    def __init__(self) -> None:
        self.highest = -1
        self.keys: dict[int, set[Any]] = {}

    def ask(self, rank: str, keys: list[Any]) -> None:
        place = _RANK[rank]
        fresh = [key for key in keys if key not in self.keys.get(place, set())]
        if not fresh:
            return
        if place < self.highest:
            raise OutOfOrder(f"{rank} was asked for after {RANKS[self.highest]}")
        known = self.keys.setdefault(place, set())
        if known and min(fresh) < max(known):
            raise OutOfOrder(f"{rank} {min(fresh)!r} was asked for after {max(known)!r}")
        known.update(fresh)
        self.highest = place

    def reach(self, rank: str) -> None:
        """Ask for RANK without naming the row."""
        place = _RANK[rank]
        if place < self.highest:
            raise OutOfOrder(f"{rank} was asked for after {RANKS[self.highest]}")
        self.highest = place


held: ContextVar[Held | None] = ContextVar("held_locks", default=None)


def lock(
    rows: "models.QuerySet[Row]", rank: str, *, order_by: Iterable[str] = ("pk",), share: bool = False
) -> list[Row]:
    """Lock ROWS in their order and return them, read under the lock.

    Must run inside a command. Raises `OutOfOrder` when the rank order is broken, `Busy` when a row stays locked by
    another transaction for longer than the connection's `lock_timeout`.
    """
    locks = held.get()
    if locks is None:
        raise OutOfOrder("A lock was asked for outside a command.")
    order = tuple(order_by)
    # PostgreSQL locks rows in the order the sort yields them; rows and keys come back together.
    query = rows.order_by(*order)
    query = _share(query) if share else query.select_for_update(of=("self",), no_key=True)
    try:
        found = list(query)
    except OperationalError as error:
        raise_busy(error)
    locks.ask(rank, [tuple(_value(row, field) for field in order) for row in found])
    return found


def lock_one(rows: "models.QuerySet[Row]", rank: str, pk: int, *, share: bool = False) -> Row | None:
    """The one row PK of ROWS, locked, or None when it is not there."""
    found = lock(rows.filter(pk=pk), rank, share=share)
    return found[0] if found else None


def lock_by_sql(sql: str, parameters: list[Any], *ranks: str, key: int | None = None) -> list[tuple[Any, ...]]:
    """Run a locking statement of the hot path that takes one row of each of RANKS, in this order.

    KEY is the row where it is known: one that is held already may be asked for again after higher ranks.
    """
    locks = held.get()
    if locks is None:
        raise OutOfOrder("A lock was asked for outside a command.")
    for rank in ranks:
        if key is None:
            locks.reach(rank)
        else:
            locks.ask(rank, [(key,)])
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql, parameters)
        except OperationalError as error:
            raise_busy(error)
        return list(cursor.fetchall())


def guard(rank: str, key: int) -> None:
    """Take the advisory lock of RANK (the genealogy guard) for KEY until the transaction ends."""
    locks = held.get()
    if locks is None:
        raise OutOfOrder("A guard was asked for outside a command.")
    locks.ask(rank, [(key,)])
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_RANK[rank], key])
        except OperationalError as error:
            raise_busy(error)


def raise_busy(error: OperationalError) -> NoReturn:
    """Turn a lock time-out into `Busy`; anything else goes on."""
    if sqlstate(error) == LOCKED:
        raise Busy from error
    raise error


def sqlstate(error: DatabaseError) -> str:
    """The SQLSTATE that PostgreSQL gave, or nothing when the error came from elsewhere."""
    return str(getattr(error.__cause__, "sqlstate", None) or "")


def _value(row: models.Model, field: str) -> Any:
    value: Any = row
    for part in field.split("__"):
        value = getattr(value, part)
    return value


def _share(query: "models.QuerySet[Row]") -> "models.QuerySet[Row]":
    """The ORM has no `FOR SHARE`; the compiler writes `FOR NO KEY UPDATE`, and this queryset class writes SHARE
    instead.
    """
    shared = query.select_for_update(of=("self",), no_key=True)
    shared.query.__class__ = ShareQuery
    return shared


class ShareQuery(Query):
    """A query whose lock clause reads FOR SHARE."""

    def get_compiler(self, *args: Any, **kwargs: Any) -> Any:
        compiler = super().get_compiler(*args, **kwargs)
        as_sql = compiler.as_sql

        def shared(*a: Any, **k: Any) -> Any:
            sql, params = as_sql(*a, **k)
            return sql.replace("FOR NO KEY UPDATE", "FOR SHARE"), params

        compiler.as_sql = shared
        return compiler
