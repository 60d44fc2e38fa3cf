"""Lots: one of them, its trace, its adjustment and its holds."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mes.api.answers import read
from mes.api.calls import call_of, perform
from mes.api.doors import acts, reads
from mes.api.numbers import lot_of
from mes.api.paging import only
from mes.api.schemas import Act, Adjust, PlaceHold, ReleaseHold
from mes.api.shown.lots import lot_body, trace_body
from mes.api.versions import require_lot_unchanged
from mes.kernel.actors import Actor
from mes.kernel.errors import Blocker, Refused
from traceability.actions.lots import adjust_lot, hold_lot, release_lot_hold
from traceability.models import MaterialLot
from traceability.queries import hold_text, open_holds

TAG = "lots"
Body = dict[str, Any]
_ADJUST, _HOLD, _RELEASE_HOLD = Adjust(), PlaceHold(), ReleaseHold()


@reads("/lots/{number}", "view_lots", tag=TAG)
def get_lot(request: HttpRequest, number: str) -> HttpResponse:
    """One lot with its balances and holds."""
    only(request)
    return read(request, lot_body(lot_of(call_of(request).token.site_id, number)))


@reads("/lots/{number}/trace", "view_lots", tag=TAG)
def get_trace(request: HttpRequest, number: str) -> HttpResponse:
    """Where it went (`direction=forward`) or what it is made of (`backward`), to any depth."""
    query = only(request, "direction")
    lot = lot_of(call_of(request).token.site_id, number)
    return read(request, trace_body(lot, query.get("direction", "forward")))


def _act(
    request: HttpRequest, number: str, sent: Act, act: Callable[[Actor, MaterialLot, UUID], Body | None]
) -> HttpResponse:
    """One act; what ACT returns is the answer, or the lot after it."""

    def body(actor: Actor, command_id: UUID) -> Body:
        lot = lot_of(actor.site_id, number)
        require_lot_unchanged(request, actor, lot.pk)
        made = act(actor, lot, command_id)
        return lot_body(lot) | {"command_id": command_id} if made is None else made

    return perform(request, sent, body)


@acts("/lots/{number}/adjust", "adjust_lot", tag=TAG, versioned=True)
def post_adjust(request: HttpRequest, number: str, data: Adjust = _ADJUST) -> HttpResponse:
    """Correct the balance by `delta`, with a reason."""

    def act(actor: Actor, lot: MaterialLot, command_id: UUID) -> None:
        adjust_lot(
            actor=actor,
            lot_id=lot.pk,
            delta=data.delta,
            unit=data.unit,
            location=data.location,
            reason=data.reason,
            at=data.at,
            command_id=command_id,
        )

    return _act(request, number, data, act)


@acts("/lots/{number}/hold", "hold_lot", tag=TAG, versioned=True)
def post_hold(request: HttpRequest, number: str, data: PlaceHold = _HOLD) -> HttpResponse:
    """Stop the lot from being used; only quality lifts it."""

    def act(actor: Actor, lot: MaterialLot, command_id: UUID) -> Body:
        hold = hold_lot(actor=actor, lot_id=lot.pk, reason=data.reason, note=data.note or "", command_id=command_id)
        return {"hold": hold.pk, "command_id": command_id}

    return _act(request, number, data, act)


@acts("/lots/{number}/release-hold", "release_lot_hold", tag=TAG, versioned=True)
def post_release_hold(request: HttpRequest, number: str, data: ReleaseHold = _RELEASE_HOLD) -> HttpResponse:
    """Lift a hold of the lot; without its id the only one."""

    def act(actor: Actor, lot: MaterialLot, command_id: UUID) -> None:
        release_lot_hold(actor=actor, hold_id=_hold_of(lot, data.hold), note=data.note or "", command_id=command_id)

    return _act(request, number, data, act)


def _hold_of(lot: MaterialLot, wanted: int | None) -> int:
    found = [hold for hold in open_holds([lot.pk]).get(lot.pk, []) if wanted in (None, hold.pk)]
    if not found:
        raise Refused("not_found", what=_("Open hold"), number=wanted if wanted is not None else lot.number)
    if len(found) > 1:
        choices = [Blocker("choice", f"{hold.pk}: {hold_text(hold)}") for hold in found]
        raise Refused("hold_unclear", blockers=choices, what=_("Lot {lot}").format(lot=lot.number))
    return found[0].pk
