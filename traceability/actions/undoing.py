"""Taking material movements back: reversing rows, balances, links and lot states. Called by `mes.execution.undo`."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from mes.kernel.errors import Blocker, Refused
from mes.kernel.locking import lock
from mes.kernel.quantities import ZERO
from traceability import events, states
from traceability.actions.ledger import consumed_net, link, lock_balances, post
from traceability.models import MaterialLot, MaterialMovement
from workorders.actions.flow import Flow


def reverse_movements(movements: Sequence[MaterialMovement], flow: Flow | None, at: datetime, undone: UUID) -> None:
    """Add the reversing row of each movement and bring balances, links and lot states along.

    Raises `undo_depends` with the fact that used the material since.
    """
    if not movements and flow is None:
        return
    outputs = _outputs_of(flow)
    touched = {move.lot_id for move in movements if move.lot_id}
    finished = set(MaterialLot.objects.filter(finished_by=undone).values_list("pk", flat=True))
    sources: set[int] = set()
    if flow is not None and any(move.kind in ("CONSUME", "OUTPUT") for move in movements):
        sources = set(consumed_net(flow.order.pk, flow.operations))
    wanted_ids = touched | finished | sources | (set(outputs) if movements else set())
    if not wanted_ids:
        _untracked(movements, at)
        return
    rows = lock(MaterialLot.objects.filter(pk__in=wanted_ids).select_related("item__unit"), "lot")
    lots = {lot.pk: lot for lot in rows}
    reversals = [_reversal(move, at) for move in movements]
    if flow is not None and sources | set(outputs):
        _relink(flow, lots, outputs, reversals)
    balances = lock_balances(sorted(touched))
    for reversal in reversals:
        if reversal.lot_id is None:
            continue
        row = balances[(reversal.lot_id, reversal.location_id or 0)]
        if row.quantity + reversal.quantity < 0:
            raise Refused(
                "undo_depends",
                blockers=_users_of(lots[reversal.lot_id], undone),
                fact=_used(lots[reversal.lot_id], undone),
            )
    post(reversals)
    _lot_states(lots, touched, finished, undone)
    for reversal in reversals:
        _tell(reversal, lots, flow, at)


def _untracked(movements: Sequence[MaterialMovement], at: datetime) -> None:
    reversals = [_reversal(move, at) for move in movements]
    if reversals:
        post(reversals)
        for move in movements:
            if move.operation is not None:
                events.untracked_event(move.operation, move.item.code, move.quantity, move.unit.code, at)


def _reversal(move: MaterialMovement, at: datetime) -> MaterialMovement:
    return MaterialMovement(
        kind=move.kind,
        item_id=move.item_id,
        lot_id=move.lot_id,
        location_id=move.location_id,
        quantity=-move.quantity,
        unit_id=move.unit_id,
        order_id=move.order_id,
        operation_id=move.operation_id,
        reason_id=move.reason_id,
        occurred_at=at,
        reverses=move,
    )


def _outputs_of(flow: Flow | None) -> dict[int, int]:
    """The output lots of the order with the operation that makes each."""
    if flow is None:
        return {}
    return dict(MaterialLot.objects.filter(made_by__order_id=flow.order.pk).values_list("pk", "made_by_id"))


def _relink(
    flow: Flow, lots: dict[int, MaterialLot], outputs: dict[int, int], reversals: Iterable[MaterialMovement]
) -> None:
    """Links as they will be once the reversing rows count: net consumption upstream of each lot that keeps an
    output.
    """
    given_back: dict[tuple[int, int], Decimal] = {}
    left: dict[int, Decimal] = dict(
        MaterialMovement.objects.filter(lot_id__in=outputs, kind=MaterialMovement.OUTPUT)
        .values_list("lot_id")
        .annotate(total=Sum("quantity"))
    )
    for reversal in reversals:
        if reversal.lot_id is None or reversal.operation_id is None:
            continue
        if reversal.kind == MaterialMovement.CONSUME:
            key = (reversal.operation_id, reversal.lot_id)
            given_back[key] = given_back.get(key, ZERO) + reversal.quantity
        elif reversal.kind == MaterialMovement.OUTPUT:
            left[reversal.lot_id] = left.get(reversal.lot_id, ZERO) + reversal.quantity
    alive = {pk for pk in outputs if left.get(pk, ZERO) > 0}
    wanted = {}
    for target, maker in outputs.items():
        upstream = flow.upstream(flow.operations[maker])
        net = consumed_net(flow.order.pk, upstream)
        for (operation_id, source), quantity in given_back.items():
            if operation_id in upstream:
                net[source] = net.get(source, ZERO) - quantity
        wanted[target] = net if target in alive else dict.fromkeys(net, ZERO)
    numbers = {pk: lot.number for pk, lot in lots.items()}
    link(flow.order.pk, flow.order.site_id, wanted, numbers, single=len(alive) <= 1)


def _lot_states(lots: dict[int, MaterialLot], touched: set[int], finished: set[int], undone: UUID) -> None:
    """A finished lot is in process again; a lot whose only output or receipt is taken back is as before it came."""
    for pk in sorted(touched | finished):
        lot = lots[pk]
        before = lot.state
        if pk in finished and lot.state == states.AVAILABLE:
            used = _users_of(lot, undone)
            if used:
                raise Refused("undo_depends", blockers=used, fact=_used(lot, undone))
            states.LOT.step_back(lot, states.IN_PROCESS)
            lot.finished_by = None
            # The command finished and filled the lot in one go; the database wants to see each step back.
            lot.save(update_fields=["state", "finished_by"])
            before = lot.state
        come = lot.movements.filter(kind__in=["RECEIVE", "OUTPUT"]).aggregate(total=Sum("quantity"))["total"] or ZERO
        if come == 0 and lot.state == states.IN_PROCESS and lot.made_by_id is not None:
            states.LOT.step_back(lot, states.PLANNED)
        elif come == 0 and lot.state == states.AVAILABLE and lot.made_by_id is None:
            states.LOT.step_back(lot, states.CLOSED)
        if lot.state != before:
            lot.save(update_fields=["state", "finished_by"])


def _users_of(lot: MaterialLot, undone: UUID) -> list[Blocker]:
    """Who took material of the lot and has not given it back."""
    rows = (
        MaterialMovement.objects.filter(lot=lot, kind=MaterialMovement.CONSUME)
        .exclude(command_id=undone)
        .values_list("order__number", "operation__sequence")
        .annotate(total=Sum("quantity"))
    )
    return [
        Blocker(
            "undo_depends",
            _("Lot {lot} was used on {order}-{sequence}.").format(lot=lot.number, order=order, sequence=sequence),
        )
        for order, sequence, total in rows
        if total < 0
    ]


def _used(lot: MaterialLot, undone: UUID) -> str:
    users = _users_of(lot, undone)
    return users[0].message if users else _("Lot {lot} was adjusted or moved.").format(lot=lot.number)


def _tell(reversal: MaterialMovement, lots: dict[int, MaterialLot], flow: Flow | None, at: datetime) -> None:
    operation = flow.operations[reversal.operation_id] if flow is not None and reversal.operation_id else None
    if reversal.lot_id is None:
        if operation is not None:
            events.untracked_event(operation, reversal.item.code, -reversal.quantity, reversal.unit.code, at)
        return
    lot = lots[reversal.lot_id]
    name, quantity = {
        MaterialMovement.CONSUME: (events.MATERIAL_CONSUMED, -reversal.quantity),
        MaterialMovement.OUTPUT: (events.LOT_PRODUCED, reversal.quantity),
        MaterialMovement.RECEIVE: (events.LOT_RECEIVED, reversal.quantity),
    }.get(reversal.kind, (events.MATERIAL_ADJUSTED, reversal.quantity))
    events.lot_event(name, lot, quantity, at, operation, reversed=True)
