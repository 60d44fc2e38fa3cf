"""What can be done with a lot from its page: adjust, hold, lift a hold, close, open again; and how each is asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mes.accounts.policies import actor_of, may
from mes.kernel.errors import Refused
from mes.screens.desk.acts import Act
from mes.screens.desk.pages import done, is_sane_id, refusal_context, without
from traceability import states
from traceability.actions.lots import adjust_lot, close_lot, hold_lot, release_lot_hold, reopen_lot
from traceability.models import LotBalance, MaterialHold, MaterialLot
from workorders.models import Reason, StorageLocation

FIELDS = ("delta", "location", "reason", "note", "hold")
LONGEST = 200
#: Beyond so many places nobody reads a list of suggestions.
PLACES_SUGGESTED = 200


ADJUST = Act("adjust", gettext_lazy("Adjust"), "pencil", "adjust_lot", gettext_lazy("Adjust what lies there"))
HOLD = Act("hold", gettext_lazy("Hold"), "pause", "hold_lot", gettext_lazy("Put the lot on hold"))
LIFT = Act("lift", gettext_lazy("Lift hold"), "circle-play", "release_lot_hold", gettext_lazy("Lift a hold"))
CLOSE = Act("close", gettext_lazy("Close"), "lock", "close_lot", direct=True)
REOPEN = Act("reopen", gettext_lazy("Open again"), "rotate-ccw", "reopen_lot", direct=True)
ACTS = {act.key: act for act in (ADJUST, HOLD, LIFT, CLOSE, REOPEN)}


@dataclass(slots=True)
class Attempt:
    """What became of a POST: an answer that leads on, or a refusal with what was typed."""

    answer: HttpResponse | None = None
    act: str = ""
    refusal: dict[str, Any] | None = None
    status: int = 200
    typed: dict[str, str] = field(default_factory=dict)


def acts_of(lot: MaterialLot, role: str) -> list[Act]:
    """The acts in the head of the page that the lot's state allows and ROLE may do. Holds are lifted where they are
    listed.
    """
    wanted = [HOLD]
    if lot.state != states.CLOSED:
        wanted.append(ADJUST)
    if lot.state == states.AVAILABLE:
        wanted.append(CLOSE)
    if lot.state == states.CLOSED:
        wanted.append(REOPEN)
    return [act for act in wanted if may(role, act.right)]


def take(request: HttpRequest, lot: MaterialLot) -> Attempt:
    """Carry out what was posted. The actions decide whether it may be; their refusals come back with the typed."""
    key = request.POST.get("act", "")
    typed = {name: request.POST.get(name, "").strip()[:LONGEST] for name in FIELDS}
    try:
        run = _RUNS.get(key)
        if run is None:
            raise Refused("invalid", field="act", why=_("this page does not know it"))
        who = {"actor": actor_of(request), "command_id": is_sane_id(request.POST.get("command_id"))}
        said = run(lot, typed, who)
    except Refused as refusal:
        return Attempt(act=key, refusal=refusal_context(refusal), status=refusal.status, typed=typed)
    return Attempt(answer=done(request, said, request.path))


def open_form(
    request: HttpRequest, lot: MaterialLot, holds: list[MaterialHold], places: list[LotBalance], attempt: Attempt
) -> dict[str, Any]:
    """The form that `?act=` or a refused POST opens, with its choices; or nothing."""
    again = attempt.refusal is not None and attempt.refusal["same_id"]
    context: dict[str, Any] = {
        "refusal": attempt.refusal,
        "refused_id": request.POST.get("command_id", "") if again else "",
        "back": without(request, "act", "hold"),
    }
    act = ACTS.get(attempt.act or request.GET.get("act", ""))
    role = request.user.role  # type: ignore[union-attr]
    if act is None or act.direct or not may(role, act.right):
        return context
    typed = attempt.typed or {"hold": request.GET.get("hold", "")}
    kind = {"adjust": "ADJUST", "hold": "HOLD"}.get(act.key)
    filled = [place.location.code for place in places if place.quantity]
    if act is ADJUST and not attempt.typed and len(filled) == 1:
        typed["location"] = filled[0]
    return context | {
        "act": act,
        "typed": typed,
        "reasons": _reasons(lot.site_id, kind) if kind else (),
        "suggested": _suggested(lot, filled) if act is ADJUST else (),
        "liftable": [hold for hold in holds if hold.released_at is None] if act is LIFT else (),
    }


def _reasons(site_id: int, kind: str) -> list[tuple[str, str]]:
    rows = Reason.objects.filter(site_id=site_id, kind=kind, is_active=True).order_by("sequence", "code")
    return list(rows.values_list("code", "text"))


def _suggested(lot: MaterialLot, filled: list[str]) -> list[str]:
    rows = StorageLocation.objects.filter(site_id=lot.site_id).order_by("code").values_list("code", flat=True)
    return list(dict.fromkeys([*filled, *rows[:PLACES_SUGGESTED]]))


Who = dict[str, Any]


def _adjust(lot: MaterialLot, typed: dict[str, str], who: Who) -> str:
    delta = typed["delta"].replace("−", "-").replace(",", ".")
    location = typed["location"] or None
    adjust_lot(lot_id=lot.pk, delta=delta, location=location, reason=typed["reason"] or None, **who)
    return _("Lot {lot} is adjusted.").format(lot=lot.number)


def _hold(lot: MaterialLot, typed: dict[str, str], who: Who) -> str:
    hold_lot(lot_id=lot.pk, reason=typed["reason"] or None, note=typed["note"], **who)
    return _("Lot {lot} is on hold.").format(lot=lot.number)


def _lift(lot: MaterialLot, typed: dict[str, str], who: Who) -> str:
    chosen = typed["hold"]
    known = chosen.isascii() and chosen.isdigit() and lot.holds.filter(pk=int(chosen)).exists()
    if not known:
        raise Refused("invalid", field=_("Which hold"), why=_("choose one"))
    release_lot_hold(hold_id=int(chosen), note=typed["note"], **who)
    return _("The hold on lot {lot} is lifted.").format(lot=lot.number)


def _close(lot: MaterialLot, _typed: dict[str, str], who: Who) -> str:
    close_lot(lot_id=lot.pk, **who)
    return _("Lot {lot} is closed.").format(lot=lot.number)


def _reopen(lot: MaterialLot, _typed: dict[str, str], who: Who) -> str:
    reopen_lot(lot_id=lot.pk, **who)
    return _("Lot {lot} is open again.").format(lot=lot.number)


_RUNS: dict[str, Callable[[MaterialLot, dict[str, str], Who], str]] = {
    "adjust": _adjust,
    "hold": _hold,
    "lift": _lift,
    "close": _close,
    "reopen": _reopen,
}
