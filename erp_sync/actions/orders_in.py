"""Orders and lots of the ERP: what is not released is replaced, what runs is never changed silently."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from django.db.models import Sum
from django.utils.translation import gettext as _

from erp_sync import mapping
from erp_sync import states as message_states
from erp_sync.actions.handling import Applied, Incoming, ignored, of_results, parked
from erp_sync.adapters.errors import Rejected
from erp_sync.messages import OrderState
from erp_sync.models import ErpConnection, OutboundMessage
from erp_sync.records import LotRecord, OrderRecord
from mes.kernel.actors import Actor
from mes.kernel.canonical import decimal_text
from mes.kernel.locking import lock
from mes.kernel.quantities import ZERO
from traceability.actions.lots import receive_lot
from traceability.models import LotBalance, MaterialLot, MaterialMovement
from workorders import states
from workorders.actions.holds import place_hold
from workorders.actions.imports import UNCHANGED, Row
from workorders.actions.receiving import import_orders
from workorders.models import Item, Reason, Routing, WorkOrder

REPLACEABLE = (states.RECEIVED, states.PLANNED)
ON_THE_FLOOR = (states.RELEASED, states.RUNNING)
HOLD_REASON = "ERP"


def apply_orders(
    actor: Actor, connection: ErpConnection, incoming: Sequence[Incoming], command_id: UUID
) -> list[Applied]:
    """New and not yet released orders through the import; for the others the ERP's wish is compared and shown."""
    numbers = {one.record.pk: connection.number_prefix + one.says.number for one in incoming}
    # Locked here in one go, before anything takes a later rank.
    local = {
        order.number: order
        for order in lock(
            WorkOrder.objects.filter(site_id=actor.site_id, number__in=numbers.values()).select_related("item"), "order"
        )
    }
    minutes = _minutes(actor.site_id, {one.says.item for one in incoming})
    answers: dict[int, Applied] = {}
    rows: list[tuple[Incoming, Row]] = []
    for one in incoming:
        number = numbers[one.record.pk]
        order = local.get(number)
        if (
            order is not None
            and (one.ref is None or one.ref.local_id != order.pk)
            and order.source != _source(connection)
        ):
            answers[one.record.pk] = parked(
                _("There is another order {number} here already; give the connection a prefix.").format(number=number)
            )
        elif _importable(order, one.says):
            try:
                rows.append((one, mapping.order_row(one.says, number, minutes.get(one.says.item, {}))))
            except Rejected as refusal:
                answers[one.record.pk] = parked(refusal.text)
        elif order is None:
            answers[one.record.pk] = ignored(_("It is not released in the ERP, or not any more."))
        else:
            answers[one.record.pk] = _beyond_import(actor, connection, order, one, command_id)
    if rows:
        results = import_orders(
            actor=actor,
            rows=[row for _one, row in rows],
            source=_source(connection),
            command_id=uuid5(command_id, "orders"),
        ).rows
        for (one, _row), result in zip(rows, results, strict=True):
            answers[one.record.pk] = _imported(one.says, result)
    return [answers[one.record.pk] for one in incoming]


def _source(connection: ErpConnection) -> str:
    return f"erp:{connection.pk}"


def _importable(order: WorkOrder | None, says: OrderRecord) -> bool:
    wanted = says.state in (OrderState.RELEASED, OrderState.RUNNING)
    return wanted and (order is None or order.state in REPLACEABLE)


def _imported(says: OrderRecord, result: Any) -> Applied:
    answer = of_results([result], result.extra.get("number", ""), result.extra.get("id"), **_facts(says))
    if answer.parked:
        return answer
    blockers = [blocker["message"] for blocker in result.extra["blockers"]]
    outcome, reason = (
        ("rejected", " ".join(blockers)) if result.extra["state"] == states.RECEIVED else (answer.outcome, "")
    )
    return Applied(outcome, reason, answer.code, answer.local_id, says.revision, answer.facts)


def _facts(says: OrderRecord) -> dict[str, Any]:
    return {
        "number": says.number,
        "state": says.state.value,
        "quantity": decimal_text(says.quantity),
        "unit": says.unit,
        "need_date": says.need_date.isoformat() if says.need_date else None,
        "reference": says.reference,
    }


def _beyond_import(
    actor: Actor, connection: ErpConnection, order: WorkOrder, one: Incoming, command_id: UUID
) -> Applied:
    """The order is past its import here, or past its release there. Nothing recorded is changed by the ERP's wish."""
    says: OrderRecord = one.says
    known: dict[str, Any] = {"code": order.number, "local_id": order.pk}
    gone = says.state in (OrderState.CANCELLED, OrderState.DRAFT)
    if gone and order.state in (*REPLACEABLE, *ON_THE_FLOOR):
        _hold(actor, order, says, uuid5(command_id, f"hold {order.pk}"))
        text = _("Cancelled in the ERP") if says.state is OrderState.CANCELLED else _("Taken back to draft in the ERP")
        why = _("{what}. Order {number} is held here; cancel it, or lift the hold once both sides agree.")
        return parked(why.format(what=text, number=order.number), **known)
    if says.state is OrderState.DONE and order.state in ON_THE_FLOOR:
        why = _("Closed in the ERP, but order {number} is not finished here. Its completion will need a decision.")
        return parked(why.format(number=order.number), **known)
    ref = one.ref
    if says.state is not OrderState.RELEASED or ref is None or ref.revision in ("", says.revision):
        return Applied(UNCHANGED, **known, facts={"state": says.state.value})
    if OutboundMessage.objects.filter(connection=connection, partition=f"order:{order.pk}", touched=True).exists():
        # What we post changes the order's lines there; that is no wish of a planner.
        return Applied(UNCHANGED, **known, facts={"state": says.state.value})
    if order.state not in ON_THE_FLOOR:
        return Applied(UNCHANGED, **known, facts={"state": says.state.value})
    changes = [
        _("{what} {before} → {after}").format(what=name, before=ref.facts.get(name) or "–", after=value or "–")
        for name, value in _facts(says).items()
        if name != "state" and ref.facts.get(name) != value
    ]
    why = _("Changed in the ERP after the release: {changes}. The floor goes on with what was released; decide there.")
    return parked(why.format(changes=", ".join(changes) or _("operations or components")), **known)


def _hold(actor: Actor, order: WorkOrder, says: OrderRecord, command_id: UUID) -> None:
    """Stop new starts at once; what was recorded stays."""
    if order.holds.filter(released_at__isnull=True, reason__code=HOLD_REASON).exists():
        return
    Reason.objects.get_or_create(
        site_id=order.site_id, kind="HOLD", code=HOLD_REASON, defaults={"text": _("Cancelled or changed in the ERP")}
    )
    note = _("State in the ERP: {state}").format(state=says.state.value)
    place_hold(actor=actor, target="order", target_id=order.pk, reason=HOLD_REASON, note=note, command_id=command_id)


def _minutes(site_id: int, items: set[str]) -> dict[str, dict[tuple[int, str], tuple[Decimal, Decimal]]]:
    """Setup and run minutes that our own routings know of the items' steps."""
    found: dict[str, dict[tuple[int, str], tuple[Decimal, Decimal]]] = {}
    routings = Routing.objects.filter(site_id=site_id, item__code__in=items, is_active=True)
    for routing in routings.select_related("item").prefetch_related("steps"):
        found[routing.item.code] = {
            (step.sequence, step.name): (step.setup_minutes, step.run_minutes_per_unit) for step in routing.steps.all()
        }
    return found


# ---------------------------------------------------------------------------------------------------------------- lots


def apply_lots(
    actor: Actor, connection: ErpConnection, incoming: Sequence[Incoming], command_id: UUID
) -> list[Applied]:
    """A lot new here is received with what the ERP has of it. Of a known one a difference is shown, not booked."""
    items = {
        item.code: item
        for item in Item.objects.filter(site_id=actor.site_id, code__in={one.says.item for one in incoming})
    }
    lots = {
        (lot.item.code, lot.number): lot
        for lot in MaterialLot.objects.filter(
            site_id=actor.site_id, number__in=[one.says.number for one in incoming]
        ).select_related("item__unit")
    }
    answers: dict[int, Applied] = {}
    rows: list[tuple[Incoming, Row]] = []
    for one in incoming:
        says: LotRecord = one.says
        item, lot = items.get(says.item), lots.get((says.item, says.number))
        if lot is not None:
            answers[one.record.pk] = _known_lot(connection, lot, says)
        elif item is None:
            answers[one.record.pk] = parked(_("Item {item} is not known here yet.").format(item=says.item))
        elif not item.is_tracked:
            answers[one.record.pk] = ignored(_("Item {item} is not tracked by lot here.").format(item=says.item))
        elif says.on_hand <= 0:
            answers[one.record.pk] = ignored(_("Nothing of it is in stock."))
        else:
            rows.append((one, mapping.lot_row(says)))
    if rows:
        received = receive_lot(actor=actor, rows=[row for _one, row in rows], command_id=uuid5(command_id, "lots"))
        for (one, _row), result in zip(rows, received.rows, strict=True):
            answer = of_results([result], one.says.number, result.extra.get("id"))
            answers[one.record.pk] = answer
    return [answers[one.record.pk] for one in incoming]


def _known_lot(connection: ErpConnection, lot: MaterialLot, says: LotRecord) -> Applied:
    """Ours and the ERP's stock agree when what it has not heard of yet is taken into account."""
    here = LotBalance.objects.filter(lot=lot).aggregate(total=Sum("quantity"))["total"] or ZERO
    expected = says.on_hand + _untold(connection, lot)
    reason = ""
    if says.unit == lot.item.unit.code and here != expected:
        reason = _("Different stock: {here} {unit} here, {there} {unit} expected from the ERP's figure.").format(
            here=decimal_text(here), there=decimal_text(expected), unit=says.unit
        )
    return Applied(UNCHANGED, reason, lot.number, lot.pk)


def _untold(connection: ErpConnection, lot: MaterialLot) -> Decimal:
    """The net movement of the lot by orders whose completion the ERP has not confirmed."""
    told = OutboundMessage.objects.filter(connection=connection, state=message_states.POSTED).values_list(
        "partition", flat=True
    )
    orders = [int(partition.partition(":")[2]) for partition in told]
    kinds = [MaterialMovement.CONSUME, MaterialMovement.OUTPUT]
    moved = MaterialMovement.objects.filter(lot=lot, kind__in=kinds).exclude(order_id__in=orders)
    return moved.exclude(order__split_from_id__in=orders).aggregate(total=Sum("quantity"))["total"] or ZERO
