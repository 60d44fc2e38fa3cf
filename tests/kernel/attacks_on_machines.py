"""Attacks on what must hold of machines: their states, counts, leases and addresses. No test lives here."""

from devices import posting
from devices.models import CountEvent, Device, PollGroup, Tag
from tests.devices.machines import Reader, a_device, a_tag, reader
from tests.kernel.attacks import Story, on


def counting(story: Story) -> tuple[Tag, Reader]:
    """A machine beside the story's people that has counted twice."""
    device = a_device(story.works, center="WC8")
    tag = a_tag(story.works, device)
    hand = reader(device)
    hand.read(tag, (0, 1), (5, 3), (10, 7))
    posting.settle()
    return tag, hand


@on("I-27-one-state-at-a-time")
def be_in_two_states(story: Story) -> None:
    device = a_device(story.works, center="WC8")
    tag = a_tag(story.works, device, "STATE")
    reader(device).read(tag, (0, 1), (5, 0))
    with story.defenceless(drop="devices_equipmentstate.equipment_state_one_at_a_time") as cursor:
        cursor.execute(
            "INSERT INTO devices_equipmentstate (work_unit_id, state, span, told)"
            " SELECT work_unit_id, 'FAULT', span, true FROM devices_equipmentstate WHERE NOT upper_inf(span)"
        )
        assert cursor.rowcount == 1


@on("I-28-counts-in-line")
def lose_a_count(story: Story) -> None:
    tag, _hand = counting(story)
    with story.defenceless("devices_countevent") as cursor:
        cursor.execute("DELETE FROM devices_countevent WHERE tag_id = %s AND sequence = 1", [tag.pk])


@on("I-29-posted-once")
def claim_to_have_posted(story: Story) -> None:
    counting(story)
    with story.defenceless("devices_countevent") as cursor:
        cursor.execute(
            "UPDATE devices_countevent SET posting = 'POSTED', operation_id = %s, posted_command = gen_random_uuid()",
            [story.first.pk],
        )
    assert CountEvent.objects.filter(posting="POSTED").count() == 2


@on("I-29-one-reader")
def read_under_an_old_fence(story: Story) -> None:
    _tag, hand = counting(story)
    with story.defenceless() as cursor:
        cursor.execute("UPDATE devices_polllease SET fence = fence + 1 WHERE group_id = %s", [hand.device.group_id])


@on("I-29-address-undivided")
def part_an_address(story: Story) -> None:
    first, second = a_device(story.works, center="WC8"), a_device(story.works, "M2", center="WC9")
    other = PollGroup.objects.create(site=story.works.site)
    Device.objects.filter(pk=second.pk).update(host=first.host, group=other)
