"""Builds the one nested write that makes the lines of a Tryton order equal to the target. Pure."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from erp_sync.adapters.tryton.plan import remaining_outputs
from erp_sync.adapters.tryton.state import Move, Snapshot, Units
from erp_sync.adapters.tryton.target import InputTarget, OutputTarget, Target

Actions = list[list[Any]]

NO_PRICE = {"__class__": "Decimal", "decimal": "0"}


def input_actions(order: Snapshot, target: Target, *, picking_location: int) -> Actions:
    """Every open input line is changed, added or removed so that they are the target and nothing else.

    Lines keep their identity where item and lot agree, then where the item agrees, so that the ERP's own links from
    them (origin, plan dates) survive.
    """
    left = [move for move in order.inputs if move.is_open]
    writes: list[Any] = []
    creates: list[dict[str, Any]] = []
    for line in _best_first(target.inputs, left):
        move = _take(left, line)
        if move is None:
            near = next((move for move in order.inputs if move.product == line.product), None)
            creates.append(
                {
                    "product": line.product,
                    "lot": line.lot,
                    "quantity": line.quantity,
                    "unit": line.unit,
                    "from_location": near.from_location if near else picking_location,
                    "to_location": order.location,
                    "company": order.company,
                }
            )
        else:
            changes = _changes(move, line.lot, line.quantity, line.unit)
            if changes:
                writes += [[move.id], changes]
    return _actions(writes, creates, [move.id for move in left])


def output_actions(
    order: Snapshot, target: Target, units: Units, *, output_location: int, waste_location: int | None, currency: int
) -> Actions:
    """Every open output line is changed, added or removed so that they are what is still to be received.

    A line to a waste location carries no price, any other must carry one; the ERP computes it on closing.
    """
    left = [move for move in order.outputs if move.is_open]
    writes: list[Any] = []
    creates: list[dict[str, Any]] = []
    for line, amount in remaining_outputs(order, target, units):
        quantity = _in_unit(amount, units, line.unit)
        place = waste_location if line.waste else _receiving(order, line, output_location)
        move = next((move for move in left if move.product == line.product and move.waste == line.waste), None) or next(
            (move for move in left if move.product == line.product), None
        )
        price = {"unit_price": None, "currency": None} if line.waste else {"unit_price": NO_PRICE, "currency": currency}
        if move is None:
            creates.append(
                {
                    "product": line.product,
                    "lot": line.lot,
                    "quantity": quantity,
                    "unit": line.unit,
                    "from_location": order.location,
                    "to_location": place,
                    "company": order.company,
                    **price,
                }
            )
            continue
        left.remove(move)
        changes = _changes(move, line.lot, quantity, line.unit)
        if move.waste != line.waste:
            changes |= {"to_location": place, **price}
        if changes:
            writes += [[move.id], changes]
    return _actions(writes, creates, [move.id for move in left])


def _best_first(lines: tuple[InputTarget, ...], moves: list[Move]) -> list[InputTarget]:
    """Lines that already have their move come first, lest another line takes it."""
    exact = {(move.product, move.lot) for move in moves}
    return sorted(lines, key=lambda line: (line.product, line.lot) not in exact)


def _take(left: list[Move], line: InputTarget) -> Move | None:
    same_item = [move for move in left if move.product == line.product]
    move = next((move for move in same_item if move.lot == line.lot), same_item[0] if same_item else None)
    if move is not None:
        left.remove(move)
    return move


def _changes(move: Move, lot: int | None, quantity: Decimal, unit: int) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if move.lot != lot:
        changes["lot"] = lot
    if (move.quantity, move.unit) != (quantity, unit):
        changes["quantity"] = quantity
    if move.unit != unit:
        changes["unit"] = unit
    return changes


def _receiving(order: Snapshot, line: OutputTarget, default: int) -> int:
    planned = [move for move in order.outputs if move.product == line.product and not move.waste]
    return planned[0].to_location if planned else default


def _in_unit(amount: Fraction, units: Units, unit: int) -> Decimal:
    exact = amount / units.by_id(unit).factor
    return Decimal(exact.numerator) / Decimal(exact.denominator)


def _actions(writes: list[Any], creates: list[dict[str, Any]], deletes: list[int]) -> Actions:
    actions: Actions = []
    if writes:
        actions.append(["write", *writes])
    if creates:
        actions.append(["create", creates])
    if deletes:
        actions.append(["delete", deletes])
    return actions
