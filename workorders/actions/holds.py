"""Production holds: stop an item, an order, an operation or a work center, and lift the stop again."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from mes.accounts.policies import may
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.events import emit
from mes.kernel.locking import lock_one
from mes.kernel.scope import current
from workorders import events
from workorders.actions.floor import reason_of
from workorders.models import Hold, Item, Operation, WorkCenter, WorkOrder

#: What can be held: the name of the field, the model, the lock rank.
TARGETS: dict[str, tuple[Any, str]] = {
    "item": (Item, "item"),
    "work_center": (WorkCenter, "work_center"),
    "order": (WorkOrder, "order"),
    "operation": (Operation, "operation"),
}


@command
def place_hold(
    *,
    actor: Actor,
    target: str,
    target_id: int,
    reason: str | None,
    note: str = "",
    command_id: UUID,
) -> Hold:
    """Hold a TARGET (`item`, `order`, `operation`, `work_center`). Acts on it are refused until the hold is lifted.

    Takes the target's lock, so an act either committed before or sees the hold. Raises `reason_needed`, `not_found`.
    """
    model, rank = TARGETS[target]
    scope = {"order__site_id": actor.site_id} if target == "operation" else {"site_id": actor.site_id}
    row = lock_one(model.objects.filter(**scope), rank, target_id)
    if row is None:
        raise Refused("not_found", what=_(target.replace("_", " ").capitalize()), number=target_id)
    why = reason_of(actor.site_id, "HOLD", reason, _("a hold"))
    hold = Hold.objects.create(
        site_id=actor.site_id,
        reason=why,
        note=note[:200],
        placed_by_id=actor.person_id,
        placed_by_name=actor.name,
        is_quality=actor.role == "quality",
        **{f"{target}_id": target_id},
    )
    _tell(events.HOLD_PLACED, hold, reason=why.code, note=hold.note)
    return hold


@command
def release_hold(*, actor: Actor, hold_id: int, note: str = "", command_id: UUID) -> Hold:
    """Lift a hold. One placed by quality only quality lifts: `hold_not_yours`; another person's only who has the right
    `release_hold_of_others`: `hold_of_another`. A lifted hold is `not_found`.
    """
    found = Hold.objects.filter(pk=hold_id, site_id=actor.site_id, released_at__isnull=True).first()
    if found is None:
        raise Refused("not_found", what=_("Open hold"), number=hold_id)
    target = next(name for name in TARGETS if getattr(found, f"{name}_id"))
    model, rank = TARGETS[target]
    lock_one(model.objects.all(), rank, getattr(found, f"{target}_id"))
    hold = Hold.objects.select_related("reason").get(pk=hold_id)
    if hold.released_at is not None:
        raise Refused("not_found", what=_("Open hold"), number=hold_id)
    if hold.is_quality and actor.role not in ("quality", "admin", "system"):
        raise Refused("hold_not_yours")
    is_own = actor.person_id is not None and hold.placed_by_id == actor.person_id
    if not is_own and not may(actor.role, "release_hold_of_others"):
        raise Refused("hold_of_another", name=hold.placed_by_name)
    hold.released_at, hold.released_by_name, hold.release_note = current().now, actor.name, note[:200]
    hold.save(update_fields=["released_at", "released_by_name", "release_note"])
    _tell(events.HOLD_RELEASED, hold, note=hold.release_note)
    return hold


def _tell(name: str, hold: Hold, **payload: Any) -> None:
    payload = {"hold": hold.pk, **payload}
    order = hold.order or (hold.operation.order if hold.operation else None)
    if order is not None:
        if hold.operation is not None:
            payload |= {"operation": hold.operation.pk, "sequence": hold.operation.sequence}
        events.order_event(name, order, **payload)
        return
    kind, row = ("item", hold.item) if hold.item else ("work_center", hold.work_center)
    emit(
        name,
        subject=f"{kind}:{row.pk if row else 0}",
        label=f"{kind}:{row}",
        payload={kind: str(row), **payload},
        topics=[f"floor:{hold.site_id}", f"orders:{hold.site_id}"],
    )
