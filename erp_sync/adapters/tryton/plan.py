"""Decides the next step that brings a Tryton order nearer to what happened here. Pure: no connection, no clock.

The order in the ERP is compared with what it should hold, and the first difference names the step. Whoever stops
anywhere and comes back later, or works at the same time, finds by the same comparison what is still missing; nothing
is remembered between steps.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from fractions import Fraction
from typing import TypeVar

from erp_sync.adapters.errors import NeedsDecision, Rejected
from erp_sync.adapters.tryton.state import Cycle, Move, Snapshot, Units, Work
from erp_sync.adapters.tryton.target import OutputTarget, Target, TimeTarget


class Act(Enum):
    """Steps that need no more to be said; what lines are set to is in the target."""

    TAKE_BACK = "take_back"
    """Dissolve the reservation, without which lines cannot be changed."""
    SET_INPUTS = "set_inputs"
    ASSIGN = "assign"
    ASSIGN_BY_FORCE = "assign_by_force"
    RUN = "run"
    """Books the consumption; nothing can be added to it afterwards."""
    SET_OUTPUTS = "set_outputs"
    FINISH = "finish"
    """Receives the outputs and closes the order."""


@dataclass(frozen=True)
class OpenCycles:
    works: tuple[int, ...]


@dataclass(frozen=True)
class RunCycles:
    cycles: tuple[int, ...]


@dataclass(frozen=True)
class SetDurations:
    durations: tuple[tuple[int, timedelta], ...]


@dataclass(frozen=True)
class FinishCycles:
    cycles: tuple[int, ...]


@dataclass(frozen=True)
class MakeLots:
    lots: tuple[tuple[int, str], ...]


Step = Act | OpenCycles | RunCycles | SetDurations | FinishCycles | MakeLots

FORCE_ASSIGNMENT = "force_assignment"
CONSUMPTION_DIFFERS = "consumption_differs"
OUTPUT_DIFFERS = "output_differs"
TIME_DIFFERS = "time_differs"
OPERATIONS_DIFFER = "operations_differ"

_SAME = timedelta(milliseconds=1)


def next_step(
    order: Snapshot, target: Target, units: Units, *, user: int, accepted: frozenset[str], tried: Step | None
) -> Step | None:
    """The step to take now, or None when the ERP holds everything and the order is done there.

    `tried` is the step just taken: one whose effect did not appear is not repeated. `accepted` are the questions a
    person has answered with yes. Raises `NeedsDecision` where only a person may go on, `Rejected` where nobody can.
    """
    if order.state in ("draft", "request"):
        raise NeedsDecision("order_recalled", f"Order {order.number} was taken back to draft in the ERP.")
    if order.state == "cancelled":
        raise NeedsDecision("order_cancelled", f"Order {order.number} was cancelled in the ERP.")
    if order.state in ("waiting", "assigned"):
        step = _before_run(order, target, units, accepted, tried)
    else:
        if CONSUMPTION_DIFFERS not in accepted:
            _require_booked_consumption(order, target, units)
        step = _cycles_step(order, target, user, accepted) or _outputs_step(order, target, units, accepted)
        if step is None and order.state != "done":
            step = Act.FINISH
    if step is not None and step == tried:
        raise Rejected(
            "no_effect", f"The ERP accepted a step for order {order.number}, but nothing changed; look at it there."
        )
    return step


# ------------------------------------------------------------------------------------------------------------ material


def _before_run(
    order: Snapshot, target: Target, units: Units, accepted: frozenset[str], tried: Step | None
) -> Step | None:
    if inputs_held(order, units) != inputs_wanted(target, units):
        return Act.TAKE_BACK if order.state == "assigned" else Act.SET_INPUTS
    if order.state == "assigned":
        return Act.RUN
    if tried is Act.ASSIGN_BY_FORCE:
        raise Rejected("not_assigned", f"The ERP does not reserve the material of order {order.number}.")
    if tried is Act.ASSIGN:
        if FORCE_ASSIGNMENT not in accepted:
            short = ", ".join(_label(move.code, move.lot_number) for move in order.inputs if move.state == "draft")
            raise NeedsDecision(
                FORCE_ASSIGNMENT,
                f"The ERP's stock does not cover what order {order.number} consumed ({short}). "
                "Correct the stock there and retry, or accept that it is booked below what the ERP knows.",
            )
        return Act.ASSIGN_BY_FORCE
    return Act.ASSIGN


Key = TypeVar("Key")
InputKey = tuple[str, str | None, int, int | None]
OutputKey = tuple[str, str | None, int, bool]


def inputs_held(order: Snapshot, units: Units) -> dict[InputKey, Fraction]:
    return _sums(
        ((move.code, move.lot_number, move.product, move.lot), units.amount(move.quantity, move.unit))
        for move in order.inputs
        if move.counts
    )


def inputs_wanted(target: Target, units: Units) -> dict[InputKey, Fraction]:
    return _sums(
        ((line.code, line.lot_number, line.product, line.lot), units.amount(line.quantity, line.unit))
        for line in target.inputs
    )


def outputs_held(moves: Iterable[Move], units: Units) -> dict[OutputKey, Fraction]:
    return _sums(
        ((move.code, move.lot_number, move.product, move.waste), units.amount(move.quantity, move.unit))
        for move in moves
    )


def outputs_wanted(target: Target, units: Units) -> dict[OutputKey, Fraction]:
    return _sums(
        ((line.code, line.lot_number, line.product, line.waste), units.amount(line.quantity, line.unit))
        for line in target.outputs
    )


def _sums(amounts: Iterable[tuple[Key, Fraction]]) -> dict[Key, Fraction]:
    total: dict[Key, Fraction] = {}
    for key, amount in amounts:
        total[key] = total.get(key, Fraction(0)) + amount
    return {key: amount for key, amount in total.items() if amount}


def _require_booked_consumption(order: Snapshot, target: Target, units: Units) -> None:
    held, wanted = inputs_held(order, units), inputs_wanted(target, units)
    if held == wanted and not any(move.is_open for move in order.inputs):
        return
    different = sorted(
        {_label(key[0], key[1]) for key in held.keys() | wanted.keys() if held.get(key) != wanted.get(key)}
        | {_label(move.code, move.lot_number) for move in order.inputs if move.is_open}
    )
    raise NeedsDecision(
        CONSUMPTION_DIFFERS,
        f"Order {order.number} was started in the ERP with another consumption than was recorded here "
        f"({', '.join(different)}). Tryton takes no consumption after the start: correct the stock there, "
        "then accept to post the rest.",
    )


def _label(code: str, lot: str | None) -> str:
    return f"{code} {lot}" if lot else code


# ---------------------------------------------------------------------------------------------------------------- time


def _cycles_step(order: Snapshot, target: Target, user: int, accepted: frozenset[str]) -> Step | None:
    to_open: list[int] = []
    to_run: list[int] = []
    to_set: list[tuple[int, timedelta]] = []
    to_finish: list[int] = []
    different: list[str] = []
    for work, duration in _matched(order, target, accepted):
        done = [cycle for cycle in work.cycles if cycle.state == "done"]
        pending = [cycle for cycle in work.cycles if cycle.is_open]
        if not done and not pending:
            if order.state == "done":
                different.append(work.operation)
            else:
                to_open.append(work.id)
        elif not done and len(pending) == 1 and pending[0].creator == user:
            cycle = pending[0]
            if cycle.state == "draft":
                to_run.append(cycle.id)
            elif cycle.duration is None or abs(cycle.duration - duration) >= _SAME:
                to_set.append((cycle.id, duration))
            else:
                to_finish.append(cycle.id)
        else:
            if pending or abs(_total(done) - duration) >= _SAME:
                different.append(work.operation)
            to_run += [cycle.id for cycle in pending if cycle.state == "draft"]
            to_finish += [cycle.id for cycle in pending if cycle.state == "running"]
    if different and TIME_DIFFERS not in accepted:
        raise NeedsDecision(
            TIME_DIFFERS,
            f"The ERP holds times for order {order.number} that were not recorded here: {', '.join(different)}. "
            "Accept to leave them as they are there.",
        )
    if order.state == "done":
        return None
    if to_open:
        return OpenCycles(tuple(to_open))
    if to_run:
        return RunCycles(tuple(to_run))
    if to_set:
        return SetDurations(tuple(to_set))
    return FinishCycles(tuple(to_finish)) if to_finish else None


def _total(cycles: list[Cycle]) -> timedelta:
    return sum((cycle.duration or timedelta() for cycle in cycles), timedelta())


def _matched(order: Snapshot, target: Target, accepted: frozenset[str]) -> list[tuple[Work, timedelta]]:
    """Each of the ERP's operations with the time it took. Ids are no help: the ERP makes new ones when it re-plans."""
    left = list(order.works)
    pairs: list[tuple[Work, timedelta]] = []
    missing: list[TimeTarget] = []
    for line in target.times:
        work = next((work for work in left if (work.sequence, work.operation) == (line.sequence, line.operation)), None)
        if work is None:
            missing.append(line)
        else:
            left.remove(work)
            pairs.append((work, line.duration))
    for line in list(missing):
        named = [work for work in left if work.operation == line.operation]
        if len(named) == 1:
            left.remove(named[0])
            missing.remove(line)
            pairs.append((named[0], line.duration))
    lost = [line.operation for line in missing if line.duration]
    if (lost or left) and OPERATIONS_DIFFER not in accepted:
        unknown = [work.operation for work in left]
        raise NeedsDecision(
            OPERATIONS_DIFFER,
            f"The operations of order {order.number} are not the same in the ERP. Only here: {', '.join(lost) or '-'}. "
            f"Only there: {', '.join(unknown) or '-'}. "
            "Accept to leave out the former and to post no time on the latter.",
        )
    return pairs + [(work, timedelta()) for work in left]


# ------------------------------------------------------------------------------------------------------------- outputs


def _outputs_step(order: Snapshot, target: Target, units: Units, accepted: frozenset[str]) -> Step | None:
    received = outputs_held((move for move in order.outputs if move.state == "done"), units)
    wanted = outputs_wanted(target, units)
    surplus = {key for key, amount in received.items() if amount > wanted.get(key, Fraction(0))}
    closed_short = order.state == "done" and received != wanted
    if (surplus or closed_short) and OUTPUT_DIFFERS not in accepted:
        keys = [key for key in received.keys() | wanted.keys() if received.get(key) != wanted.get(key)]
        different = ", ".join(sorted({_label(key[0], key[1]) for key in keys}))
        raise NeedsDecision(
            OUTPUT_DIFFERS,
            f"The ERP has received other quantities for order {order.number} than were made here ({different}). "
            "Correct them there, then accept.",
        )
    if order.state == "done":
        return None
    missing = remaining_outputs(order, target, units)
    pending = outputs_held((move for move in order.outputs if move.is_open), units)
    if pending == _sums(((line.code, line.lot_number, line.product, line.waste), amount) for line, amount in missing):
        return None
    lots = {(line.product, line.lot_number) for line, _ in missing if line.lot_number and line.lot is None}
    if lots:
        return MakeLots(tuple(sorted((product, number) for product, number in lots if number)))
    return Act.SET_OUTPUTS


def remaining_outputs(order: Snapshot, target: Target, units: Units) -> list[tuple[OutputTarget, Fraction]]:
    """The lines still to be received, less what the ERP received before."""
    received = outputs_held((move for move in order.outputs if move.state == "done"), units)
    rest: list[tuple[OutputTarget, Fraction]] = []
    for line in target.outputs:
        key = (line.code, line.lot_number, line.product, line.waste)
        amount = units.amount(line.quantity, line.unit)
        covered = min(amount, received.get(key, Fraction(0)))
        received[key] = received.get(key, Fraction(0)) - covered
        if amount > covered:
            rest.append((line, amount - covered))
    return rest
