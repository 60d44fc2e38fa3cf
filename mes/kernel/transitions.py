"""State machines as tables. A `Machine` is the only writer of a status field; the database checks the same table."""

from collections.abc import Iterable
from typing import Any

import pgtrigger
from django.db import models

from mes.kernel.errors import Refused

Table = dict[tuple[str, str], str]


class Machine:
    """The allowed moves of one status field: `{(state, command): next state}`.

    `undo_edges` are moves that only the undo of a command may make, each back to the state before it.
    """

    def __init__(
        self, what: Any, table: Table, undo_edges: Iterable[tuple[str, str]] = (), field: str = "state"
    ) -> None:
        self.what, self.table, self.field = what, table, field
        self.undo_edges = frozenset(undo_edges)
        self.states = sorted({state for state, _ in table} | set(table.values()))

    def allowed(self, state: str) -> list[str]:
        """The commands possible from STATE: pages draw their buttons from it."""
        return sorted({command for source, command in self.table if source == state})

    def may(self, state: str, command: str) -> bool:
        return (state, command) in self.table

    def require(self, row: models.Model, command: str) -> str:
        """The state COMMAND would lead to; raises `state_forbids` with what is possible instead."""
        state = getattr(row, self.field)
        try:
            return self.table[(state, command)]
        except KeyError:
            raise Refused(
                "state_forbids",
                what=f"{self.what} {row}",
                state=state,
                command=command,
                allowed=", ".join(self.allowed(state)) or "–",
            ) from None

    def move(self, row: models.Model, command: str) -> str:
        """Set the status of ROW (not saved) as COMMAND demands and return the state it had."""
        before = str(getattr(row, self.field))
        setattr(row, self.field, self.require(row, command))
        return before

    def step_back(self, row: models.Model, to: str) -> None:
        """Set the status back to the one before an undone command; only edges declared for undo, or ordinary moves."""
        state = str(getattr(row, self.field))
        if state == to:
            return
        if (state, to) not in self.pairs():
            raise Refused("state_forbids", what=f"{self.what} {row}", state=state, command="undo", allowed="–")
        setattr(row, self.field, to)

    def pairs(self) -> set[tuple[str, str]]:
        """Every (from, to) the database lets through."""
        return {(state, after) for (state, _), after in self.table.items()} | self.undo_edges

    def check(self, name: str) -> models.CheckConstraint:
        return models.CheckConstraint(condition=models.Q(**{f"{self.field}__in": self.states}), name=name)

    def guard(self, name: str) -> pgtrigger.Trigger:
        """A trigger that refuses any move of the status that is not in the table, whoever writes it."""
        column = f'"{self.field}"'
        pairs = ", ".join(f"('{a}','{b}')" for a, b in sorted(self.pairs()))
        return pgtrigger.Trigger(
            name=name,
            when=pgtrigger.Before,
            operation=pgtrigger.UpdateOf(self.field),  # type: ignore[no-untyped-call]
            condition=pgtrigger.Condition(
                f"OLD.{column} IS DISTINCT FROM NEW.{column} AND (OLD.{column}, NEW.{column}) NOT IN ({pairs})"
            ),
            func=f"RAISE EXCEPTION 'state % to % is not a move of this record', OLD.{column}, NEW.{column} "
            "USING ERRCODE = 'check_violation';",
        )

    def by_command(self, name: str) -> pgtrigger.Trigger:
        """A trigger that refuses any move outside a command: no state changes without its receipt and its event."""
        column = f'"{self.field}"'
        return pgtrigger.Trigger(
            name=name,
            when=pgtrigger.Before,
            operation=pgtrigger.UpdateOf(self.field),  # type: ignore[no-untyped-call]
            condition=pgtrigger.Condition(
                f"OLD.{column} IS DISTINCT FROM NEW.{column}"
                " AND coalesce(current_setting('mes.command_id', true), '') = ''"
            ),
            func="RAISE EXCEPTION 'a state changes only inside a command' USING ERRCODE = 'check_violation';",
        )


def append_only(name: str, kept_while: str = "") -> list[pgtrigger.Trigger]:
    """Triggers for a table of facts: no UPDATE, no DELETE, no TRUNCATE. A correction is a reversing row.

    With KEPT_WHILE, a condition on OLD, rows may be deleted once it no longer holds: see `retention.py`.
    """
    refuse = "RAISE EXCEPTION 'rows of this table are facts: add a reversing row' USING ERRCODE = 'check_violation';"
    changing = pgtrigger.Update if kept_while else pgtrigger.Update | pgtrigger.Delete
    return [
        pgtrigger.Trigger(name=f"{name}_keep", when=pgtrigger.Before, operation=changing, func=refuse),
        *([kept_for_a_time(name, kept_while)] if kept_while else []),
        pgtrigger.Trigger(
            name=f"{name}_keep_all",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=refuse,
        ),
    ]


_STAY = "RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';"


def kept_for_a_time(name: str, kept_while: str) -> pgtrigger.Trigger:
    """A trigger that refuses to delete a row while the condition KEPT_WHILE on OLD holds."""
    return pgtrigger.Trigger(
        name=f"{name}_stay_while",
        when=pgtrigger.Before,
        operation=pgtrigger.Delete,
        condition=pgtrigger.Condition(kept_while),
        func=_STAY,
    )


def keep_rows(name: str, kept_while: str = "") -> list[pgtrigger.Trigger]:
    """Triggers for rows that may change but never vanish, or with KEPT_WHILE, not while that condition on OLD holds."""
    refuse = _STAY
    return [
        kept_for_a_time(name, kept_while)
        if kept_while
        else pgtrigger.Trigger(name=f"{name}_stay", when=pgtrigger.Before, operation=pgtrigger.Delete, func=refuse),
        pgtrigger.Trigger(
            name=f"{name}_stay_all",
            level=pgtrigger.Statement,
            when=pgtrigger.Before,
            operation=pgtrigger.Truncate,
            func=refuse,
        ),
    ]


def history(name: str) -> dict[str, list[pgtrigger.Trigger]]:
    """The `meta` of a table of histories. Its tracker refuses UPDATE and DELETE; this refuses to empty it, too."""
    return {"triggers": append_only(name)[1:]}
