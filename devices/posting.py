"""Settling what was read: each count goes to its job, each change of state is told. Runs in a worker, as often as rung.

The rows say what is owed. A command id is made of what is told, so that it may be told twice.
"""

import logging
from uuid import UUID, uuid5

from devices.actions.counts import post_count, set_aside_count
from devices.actions.telling import tell_state
from devices.models import CountEvent, Device
from devices.queries.counts import pending, proposed_too_late
from devices.queries.states import untold
from mes.kernel.actors import MACHINE, Actor
from mes.kernel.errors import Busy, Refused

log = logging.getLogger(__name__)

NAMESPACE = UUID("6f1c3a52-0d5b-5a0e-9a55-6d1f0c2f9b7e")
AT_ONCE = 500


def machine(device: Device) -> Actor:
    """The device as the one who acts."""
    return Actor(MACHINE, device.pk, device.name, "machine", device.site_id)


def count_command(count: CountEvent, verb: str = "") -> UUID:
    """The id under which a count is posted: the same for the same count, whoever posts it, how often whatever fails."""
    return uuid5(NAMESPACE, f"{count.tag_id}:{count.epoch}:{count.sequence}{verb}")


def settle() -> int:
    """Post what is pending, set aside what cannot be, tell of states. Returns how many were settled."""
    settled = 0
    for count in pending()[:AT_ONCE]:
        settled += _post(count)
    for count in proposed_too_late()[:AT_ONCE]:
        refusal = Refused("job_is_over", operation=str(count.operation))
        settled += _set_aside(count, refusal, ":late")
    for state_id, device in untold(AT_ONCE):
        try:
            tell_state(
                actor=machine(device),
                device_id=device.pk,
                state_id=state_id,
                command_id=uuid5(NAMESPACE, f"state:{state_id}"),
            )
            settled += 1
        except Busy:
            log.info("The chain of %s is busy; its state is told the next time.", device)
    return settled


def _post(count: CountEvent) -> int:
    try:
        post_count(actor=machine(count.tag.device), count_id=count.pk, command_id=count_command(count))
    except Busy:
        return 0  # somebody works on that order right now: the next time
    except Refused as refusal:
        return _set_aside(count, refusal, ":aside")
    return 1


def _set_aside(count: CountEvent, refusal: Refused, verb: str) -> int:
    try:
        set_aside_count(
            actor=machine(count.tag.device),
            count_id=count.pk,
            reason=refusal.reason,
            text=refusal.message,
            command_id=count_command(count, verb),
        )
    except Busy:
        return 0
    except Refused as settled:
        log.info("Count %s was settled by somebody else: %s", count.pk, settled)
        return 0
    return 1
