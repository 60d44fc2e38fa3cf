"""The event of a machine's change of state: the interval itself was stored when it was read."""

from uuid import UUID

from devices import events
from devices.models import Device, EquipmentState
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.scope import current


@command
def tell_state(*, actor: Actor, device_id: int, state_id: int, command_id: UUID) -> EquipmentState:
    """Leaves `machine.state_changed` for one interval, as of its beginning. The machine's own act."""
    device = Device.objects.select_related("work_unit").get(pk=device_id, site_id=actor.site_id)
    state = EquipmentState.objects.get(pk=state_id, work_unit__work_center__site_id=actor.site_id)
    before = (
        EquipmentState.objects.filter(work_unit_id=state.work_unit_id, span__endswith=state.span.lower)
        .values_list("state", flat=True)
        .first()
    )
    EquipmentState.objects.filter(pk=state.pk).update(told=True)
    since = state.span.lower
    events.device_event(
        events.STATE_CHANGED,
        device,
        since if since <= current().now else None,
        state=state.state,
        before=before,
        code=state.code,
    )
    return state
