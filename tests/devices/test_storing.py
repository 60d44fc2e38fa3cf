"""What a batch leaves behind, and what a lease protects: every fact once, none under an old meaning."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from devices.actions.configure import change_device, change_tag
from devices.actions.leases import Holder, claim_group, free_groups, release_groups, renew_groups
from devices.actions.partitions import make_room
from devices.drivers.base import Quality
from devices.models import CountEvent, DeviceHealth, EquipmentState, LeaseEpoch, PollLease, TagValue, TelemetrySample
from mes.kernel.invariants import violations
from tests.builders import Plant, command_id, plant
from tests.devices.machines import Reader, a_device, a_tag, reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


def counts(tag):
    return [(row.kind, row.counts, row.sequence) for row in CountEvent.objects.filter(tag=tag).order_by("pk")]


def test_a_batch_leaves_samples_last_values_states_and_counts(works):
    device = a_device(works)
    state, good, value = (a_tag(works, device, role) for role in ("STATE", "GOOD", "VALUE"))
    change_tag(
        actor=works.system, tag_id=value.pk, fields={"scale": "0.5", "offset": "10", "dead_band": "2"},
        command_id=command_id(),
    )  # fmt: skip
    hand = reader(device)
    hand.store(
        hand.batch(
            *(hand.reading(state, after, code) for after, code in [(0, 3), (1, 1), (2, 1), (3, 0)]),
            *(hand.reading(good, after, raw) for after, raw in [(0, 65530), (1, 65533), (2, 2), (3, 2)]),
            *(hand.reading(value, after, raw) for after, raw in [(0, 100), (1, 102), (2, 110), (3, 111)]),
        )
    )
    spans = [
        (row.state, row.code, row.span.lower, row.span.upper)
        for row in EquipmentState.objects.filter(work_unit=device.work_unit).order_by("span")
    ]
    assert spans == [
        ("SETUP", 3, hand.at(0), hand.at(1)),
        ("RUN", 1, hand.at(1), hand.at(3)),
        ("STOP", 0, hand.at(3), None),
    ]
    assert counts(good) == [("NORMAL", 3, 1), ("ROLLOVER", 5, 2)]
    assert list(TelemetrySample.objects.filter(tag=value).order_by("at").values_list("value", flat=True)) == [60, 65]
    last = TagValue.objects.get(tag=good)
    assert (last.value, last.counter_raw, last.quality) == (2, 2, Quality.GOOD)
    assert violations() == []


def test_a_batch_sent_twice_is_stored_once(works):
    device = a_device(works)
    good = a_tag(works, device)
    hand = reader(device)
    hand.read(good, (0, 10))
    before, batch = hand.memories, hand.batch(hand.reading(good, 1, 15))
    hand.store(batch)
    hand.memories = before  # the answer of the commit was lost: what was known before is all that is known
    hand.store(batch)
    hand.read(good, (2, 16))
    assert counts(good) == [("NORMAL", 5, 1), ("NORMAL", 1, 2)]
    assert violations() == []


def test_a_counter_goes_on_exactly_with_the_next_holder(works):
    device = a_device(works)
    good = a_tag(works, device)
    first = reader(device)
    first.read(good, (0, 10), (1, 12))
    release_groups(first.holder, [device.group_id])
    second = reader(device, begun=first.begun)
    second.read(good, (30, 20))
    facts = list(
        CountEvent.objects.filter(tag=good).order_by("pk").values_list("epoch", "sequence", "counts", "in_gap")
    )
    assert facts == [(first.fence, 1, 2, False), (second.fence, 1, 8, True)]
    assert violations() == []


def test_only_one_holds_a_lease_and_each_claim_raises_the_fence(works):
    device = a_device(works)
    first = reader(device)
    other = Holder(first.holder.name, uuid.uuid4(), 30)
    assert claim_group(device.group_id, other) is None, "the same name but another boot"
    assert device.group_id not in free_groups(30)
    assert renew_groups(other, {device.group_id: first.fence}).marks == {}
    assert renew_groups(first.holder, {device.group_id: first.fence}).marks == {device.group_id: f"{device.pk}:1"}
    PollLease.objects.filter(group=device.group_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert device.group_id in free_groups(0)
    claim = claim_group(device.group_id, Holder("other", uuid.uuid4(), 0))
    assert claim is not None
    assert claim.fence == first.fence + 1
    assert renew_groups(first.holder, {device.group_id: first.fence}).marks == {}
    ended, opened = LeaseEpoch.objects.filter(group=device.group_id).order_by("fence")
    assert ended.ended_at is not None
    assert opened.ended_at is None
    assert violations() == []


def test_nobody_claims_what_expired_while_the_database_was_down(works):
    """A lease that ran out within two lives of it after the server's start is still its holder's."""
    device = a_device(works)
    reader(device)
    PollLease.objects.filter(group=device.group_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    long = 10 * 365 * 86400.0  # as if the server had started just now
    assert claim_group(device.group_id, Holder("other", uuid.uuid4(), long)) is None
    assert device.group_id not in free_groups(long)


def test_what_a_lost_lease_read_too_late_is_refused_and_the_rest_kept_as_samples(works):
    device = a_device(works)
    good = a_tag(works, device)
    first = reader(device)
    first.read(good, (0, 10))
    PollLease.objects.filter(group=device.group_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    second = Reader(device, ttl=0, begun=first.begun)
    assert second.claim() is not None
    second.read(good, (300, 40))
    late = first.batch(first.reading(good, 200, 30), first.reading(good, 100_000, 50))
    outcome = first.store(late)
    assert (outcome.held, outcome.refused) == (False, 1)
    stored = list(TelemetrySample.objects.filter(tag=good).order_by("at").values_list("value", flat=True))
    assert stored == [10, 30, 40]
    assert [fact[1] for fact in counts(good)] == [30], "the gap was told by the new holder and is not told again"
    assert first.store(late).refused == 1
    assert TelemetrySample.objects.filter(tag=good).count() == 3


def test_nothing_is_stored_under_a_meaning_that_was_changed(works):
    device = a_device(works)
    good = a_tag(works, device)
    hand = reader(device)
    hand.read(good, (0, 10))
    change_tag(actor=works.system, tag_id=good.pk, fields={"address": "900"}, command_id=command_id())
    assert hand.store(hand.batch(hand.reading(good, 1, 5000))).refused == 1
    hand.load()
    hand.read(good, (2, 7000), (3, 7001))
    assert counts(good) == [("NORMAL", 1, 1)], "another register: what it shows first is a baseline"


def test_silence_opens_an_unknown_stretch_since_the_last_word(works):
    device = a_device(works, stale_seconds="5")
    state = a_tag(works, device, "STATE")
    hand = reader(device)
    hand.read(state, (0, 1), (2, 1))
    hand.store(hand.batch(hand.reading(state, 3, None, Quality.BAD_COMM), until=6))
    assert EquipmentState.objects.filter(work_unit=device.work_unit).count() == 1
    hand.store(hand.batch(hand.reading(state, 8, None, Quality.BAD_COMM), until=8))
    hand.read(state, (9, 1))
    rows = EquipmentState.objects.filter(work_unit=device.work_unit).order_by("span")
    assert [(row.state, row.span.lower) for row in rows] == [
        ("RUN", hand.at(0)),
        ("UNKNOWN", hand.at(2)),
        ("RUN", hand.at(9)),
    ]
    qualities = TelemetrySample.objects.filter(tag=state).order_by("at").values_list("quality", flat=True)
    assert list(qualities) == [Quality.GOOD, Quality.BAD_COMM, Quality.GOOD]


def test_a_state_that_lasted_no_time_is_none(works):
    device = a_device(works, stale_seconds="5")
    state = a_tag(works, device, "STATE")
    hand = reader(device)
    hand.read(state, (0, 1), until=10)
    (row,) = EquipmentState.objects.filter(work_unit=device.work_unit)
    assert (row.state, row.span.lower) == ("UNKNOWN", hand.at(0))


def test_how_polling_goes_is_kept_for_people(works):
    from devices.collector.meaning import Poll

    device = a_device(works)
    hand = reader(device)
    batch = hand.batch()
    batch.polls = [
        Poll(device.pk, hand.begun, True, 0.01, 0, ""),
        Poll(device.pk, hand.begun + 1, False, 0.5, 2, "no_answer"),
    ]
    hand.store(batch)
    health = DeviceHealth.objects.get(device=device)
    assert (health.answered_at, health.failures, health.skipped, health.why) == (hand.at(0), 1, 2, "no_answer")
    assert health.lag_ms == 500


def test_days_are_made_ahead_and_dropped_when_they_are_old():
    today = timezone.now().date()
    assert f"made {today}" in make_room(today) or make_room(today) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT devices_make_day(%s)", [today - timedelta(days=200)])
    assert make_room(today) == [f"dropped {today - timedelta(days=200)}"]
    for wrong in ("SELECT devices_drop_day(current_date)", "SELECT devices_make_day('1999-01-01')"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(wrong)


def test_the_app_may_not_empty_or_drop_the_samples(works):
    device = a_device(works)
    for wrong in ("TRUNCATE devices_telemetrysample", "DROP TABLE devices_telemetrysample"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(wrong)
    assert device.pk


@pytest.mark.parametrize(
    "wrong",
    [
        "UPDATE devices_countevent SET counts = 9, quantity = 9",
        "UPDATE devices_countevent SET posting = 'DISMISSED', settled_reason = 'x'",
        "DELETE FROM devices_countevent",
        "UPDATE devices_equipmentstate SET span = tstzrange(lower(span), upper(span) + interval '1 h')"
        " WHERE NOT upper_inf(span)",
        "DELETE FROM devices_equipmentstate",
        "INSERT INTO devices_equipmentstate (work_unit_id, state, span, told)"
        " SELECT work_unit_id, 'RUN', span, false FROM devices_equipmentstate LIMIT 1",
        "UPDATE devices_telemetrysample SET value = 'NaN'",
        "UPDATE devices_polllease SET owner = 'x', boot = NULL",
    ],
)
def test_the_database_itself_refuses_what_would_falsify_a_machine(works, wrong):
    device = a_device(works)
    state, good = a_tag(works, device, "STATE"), a_tag(works, device)
    hand = reader(device)
    hand.read(state, (0, 1), (5, 0))
    hand.read(good, (0, 1), (5, 4))
    with pytest.raises((IntegrityError, DatabaseError)), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(wrong)


def test_a_device_moves_to_the_group_of_its_new_address(works):
    first, second = a_device(works), a_device(works, "M2", "WC2")
    assert first.group_id == second.group_id, "one group has room for both"
    change_device(
        actor=works.system, device_id=second.pk, fields={"host": first.host, "unit": "2"}, command_id=command_id()
    )
    second.refresh_from_db()
    assert (second.group_id, second.version) == (first.group_id, 2)
