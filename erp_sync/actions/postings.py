"""Messages made from events, settled by the ERP's answer, decided upon by people. Orders are locked before messages."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from erp_sync import events, states
from erp_sync.facts import Disposition, OrderCompletion
from erp_sync.models import ErpConnection, OutboundAttempt, OutboundMessage
from erp_sync.queries.completion import completion_of, family_of, root_of
from mes.kernel.actors import SYSTEM, Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.locking import lock
from mes.kernel.models import Event
from mes.kernel.scope import current
from workorders import states as order_states
from workorders.actions.orders import close_order
from workorders.events import ORDER_FINISHED
from workorders.models import WorkOrder

FINISHED = (order_states.DONE, order_states.CLOSED)


@command
def queue_posting(*, actor: Actor, event_id: int, connection_id: int, command_id: UUID) -> OutboundMessage | None:
    """Turn a finish, or the undo of one, into what the ERP must be told. Doing it twice makes one message.

    A finish makes a message once the order and all split off it are done. An undo cancels a message of which the ERP
    has heard nothing; otherwise a person must decide, and a parked message says so. Raises `message_in_flight` while
    the message is being sent: the outcome decides which of the two it is.
    """
    event = Event.objects.get(pk=event_id)
    connection = ErpConnection.objects.get(pk=connection_id)
    root, family = _locked_family(int(event.subject.partition(":")[2]))
    if OutboundMessage.objects.filter(connection=connection, event=event).exists():
        return None
    newest = (
        OutboundMessage.objects.select_for_update(no_key=True)
        .filter(connection=connection, partition=f"order:{root.pk}")
        .order_by("-pk")
        .first()
    )
    told = newest if newest is not None and newest.kind == OutboundMessage.COMPLETION else None
    if told is not None and told.state == states.CANCELLED:
        told = None
    if event.name == ORDER_FINISHED:
        done = all(order.state in (*FINISHED, order_states.CANCELLED) for order in family)
        return _make(connection, event, root) if done and told is None else None
    if told is None:
        return None
    if told.lease_token is not None:
        raise Refused("message_in_flight", order=root.number)
    return _take_back(connection, event, root, told)


def _take_back(
    connection: ErpConnection, event: Event, root: WorkOrder, told: OutboundMessage
) -> OutboundMessage | None:
    if told.state in states.UNSETTLED:
        states.MESSAGE.move(told, "cancel")
        told.reason = _("Undone here by {who}.").format(who=event.actor_name)
        told.save(update_fields=["state", "reason"])
        _note(told, "cancelled", told.reason)
        if not told.touched:
            return _make(connection, event, root) if root.state in FINISHED else None
    return _reversal(connection, event, root, told)


def _make(connection: ErpConnection, event: Event, root: WorkOrder) -> OutboundMessage:
    fact = completion_of(connection, root, event.uuid)
    return _store(connection, event, root, OutboundMessage.COMPLETION, fact.as_json(), fact.digest)


def _reversal(connection: ErpConnection, event: Event, root: WorkOrder, told: OutboundMessage) -> OutboundMessage:
    """What an ERP cannot take back a person puts right there; until then the order's later messages wait."""
    text = _(
        "Order {order} was reopened here by {who}, but {connection} may have booked its completion already. "
        "Put it right there, then skip this message with a word on how. "
        "A new completion follows when the order is done."
    ).format(order=root.number, who=event.actor_name, connection=connection.name)
    message = _store(
        connection,
        event,
        root,
        OutboundMessage.REVERSAL,
        {"kind": OutboundMessage.REVERSAL, "order": root.number, "undone": str(told.key), "erp_key": told.erp_key},
        told.digest,
        state=states.PARKED,
        error_class="NeedsDecision",
        error_code="undone_after_posting",
        reason=text,
    )
    _tell_parked(message, root)
    return message


def _store(
    connection: ErpConnection,
    event: Event,
    root: WorkOrder,
    kind: str,
    payload: dict[str, Any],
    digest: str,
    **more: Any,
) -> OutboundMessage:
    return OutboundMessage.objects.create(
        connection=connection,
        event=event,
        kind=kind,
        key=event.uuid,
        partition=f"order:{root.pk}",
        label=root.number,
        payload=payload,
        digest=digest,
        **more,
    )


def _locked_family(order_id: int) -> tuple[WorkOrder, list[WorkOrder]]:
    """The order the ERP knows and all split off it, locked in the order of their ids."""
    root = root_of(WorkOrder.objects.select_related("split_from").get(pk=order_id))
    ids = [order.pk for order in family_of(root)]
    family = lock(WorkOrder.objects.filter(pk__in=ids).select_related("item__unit", "unit", "site"), "order")
    return next(order for order in family if order.pk == root.pk), family


def _locked(message_id: int, **where: Any) -> tuple[OutboundMessage | None, WorkOrder, list[WorkOrder]]:
    order_id = int(OutboundMessage.objects.get(pk=message_id).partition.partition(":")[2])
    root, family = _locked_family(order_id)
    rows = OutboundMessage.objects.select_for_update(of=("self",), no_key=True).select_related("connection")
    return rows.filter(pk=message_id, **where).first(), root, family


# -------------------------------------------------------------------------------------------------- the ERP's answer


@command
def confirm_posting(
    *,
    actor: Actor,
    message_id: int,
    lease: UUID,
    erp_key: str,
    erp_number: str,
    status: str,
    differences: list[dict[str, str]],
    milliseconds: int,
    command_id: UUID,
) -> OutboundMessage | None:
    """The ERP holds the fact: settle the message and close its orders. Nothing happens if the lease was lost meanwhile.

    Where the ERP's figures differ and nobody has accepted that, the orders stay DONE for somebody to look at.
    """
    message, root, family = _locked(message_id, lease_token=lease)
    if message is None:
        return None
    states.MESSAGE.move(message, "post")
    message.posted_at, message.erp_key, message.differences = current().now, erp_key, differences
    message.lease_token = message.leased_until = None
    message.error_class = message.error_code = message.reason = ""
    message.touched = True
    message.save()
    _note(message, status, "", milliseconds)
    fact = OrderCompletion.from_json(message.payload)
    events.erp_event(
        events.ERP_POSTED,
        site_id=root.site_id,
        order_id=root.pk,
        order=root.number,
        connection_id=message.connection_id,
        connection=message.connection.name,
        message=message.key,
        erp_order=erp_number,
        good=fact.total(Disposition.GOOD),
        scrap=fact.total(Disposition.SCRAP),
        attempts=message.attempts,
        differences=differences,
    )
    if not differences or message.accepted:
        for order in family:
            if order.state == order_states.DONE:
                note = _("Confirmed by {connection}.").format(connection=message.connection.name)
                close_order(actor=actor, order_id=order.pk, note=note, command_id=command_id)
    return message


@command
def park_posting(
    *,
    actor: Actor,
    message_id: int,
    lease: UUID,
    error_class: str,
    error_code: str,
    reason: str,
    touched: bool,
    milliseconds: int,
    command_id: UUID,
) -> OutboundMessage | None:
    """Only a person can help: the message waits, and with it the later ones of the same order alone."""
    message, root, _family = _locked(message_id, lease_token=lease)
    if message is None:
        return None
    states.MESSAGE.move(message, "park")
    message.error_class, message.error_code, message.reason = error_class, error_code[:120], reason
    message.touched = message.touched or touched
    message.lease_token = message.leased_until = None
    message.save()
    _note(message, error_class, reason, milliseconds)
    _tell_parked(message, root)
    return message


def _tell_parked(message: OutboundMessage, root: WorkOrder) -> None:
    events.erp_event(
        events.ERP_PARKED,
        site_id=root.site_id,
        order_id=root.pk,
        order=root.number,
        connection_id=message.connection_id,
        connection=message.connection.name,
        message=message.key,
        reason=message.reason,
        code=message.error_code or message.error_class,
    )


# ------------------------------------------------------------------------------------------------------------- people


@command
def retry_message(*, actor: Actor, message_id: int, accept: bool = False, command_id: UUID) -> OutboundMessage:
    """Send a parked message again at once. With ACCEPT the question it was parked with is answered with yes.

    Raises `not_found`, `state_forbids`, and `invalid` for a message that was never meant to be sent.
    """
    message, _root, _family = _of_site(actor, message_id)
    if message.kind != OutboundMessage.COMPLETION:
        raise Refused("invalid", field="message", why=_("this message is only a question to a person; skip it"))
    states.MESSAGE.move(message, "retry")
    if accept and message.error_class == "NeedsDecision" and message.error_code not in message.accepted:
        message.accepted = [*message.accepted, message.error_code]
    message.attempts, message.not_before = 0, current().now
    message.save()
    _note(message, "accepted" if accept else "retried", message.reason)
    return message


@command
def skip_message(*, actor: Actor, message_id: int, reason: str, command_id: UUID) -> OutboundMessage:
    """Settle a parked message by hand, with the reason why; later ones go on. Raises `skip_needs_reason`."""
    if not reason.strip():
        raise Refused("skip_needs_reason")
    message, _root, _family = _of_site(actor, message_id)
    states.MESSAGE.move(message, "skip")
    message.reason, message.settled_by = reason.strip()[:500], actor.name
    message.save()
    _note(message, "skipped", message.reason)
    return message


@command
def post_again(*, actor: Actor, message_id: int, reason: str, command_id: UUID) -> OutboundMessage:
    """Tell a posted message once more after the ERP lost it (a restored backup). It looks before it does anything."""
    message, _root, _family = _of_site(actor, message_id)
    states.MESSAGE.move(message, "post again")
    message.attempts, message.not_before, message.posted_at, message.erp_key = 0, current().now, None, ""
    message.save()
    _note(message, "posted again", reason)
    return message


def _of_site(actor: Actor, message_id: int) -> tuple[OutboundMessage, WorkOrder, list[WorkOrder]]:
    if not OutboundMessage.objects.filter(pk=message_id, connection__site_id=actor.site_id).exists():
        raise Refused("not_found", what=_("Message"), number=message_id)
    message, root, family = _locked(message_id)
    if message is None:
        raise Refused("not_found", what=_("Message"), number=message_id)
    return message, root, family


def _note(message: OutboundMessage, outcome: str, text: str, milliseconds: int | None = None) -> None:
    scope = current()
    who = "" if scope.actor.kind == SYSTEM else scope.actor.name
    OutboundAttempt.objects.create(
        message=message, actor_name=who, outcome=outcome, text=text, milliseconds=milliseconds
    )
