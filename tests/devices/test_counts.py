"""From a machine's count to a job: posted, proposed, set aside, assigned, dismissed, taken back. Never twice."""

from datetime import timedelta

import pytest
from django.utils import timezone

from devices import posting
from devices.actions.counts import accept_counts, assign_count, dismiss_count, post_count
from devices.models import CountEvent, EquipmentState
from mes.kernel import delivery
from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from mes.kernel.scope import back_dating
from tests.builders import Doer, Plant, buckets, command_id, plant
from tests.devices.machines import a_device, a_tag, reader
from workorders.models import ProductionReport, WorkCenter

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


def running(works, quantity=100, hours=1.0):
    """An operation that was started HOURS ago."""
    order = works.order(quantity=quantity)
    operation = works.operation(order)
    start(works, operation, hours)
    return operation


def start(works, operation, hours=1.0, name="olu"):
    with back_dating():
        Doer(works.person("operator", name)).start(operation, at=timezone.now() - timedelta(hours=hours))


@pytest.fixture
def machine(works):
    device = a_device(works)
    return device, a_tag(works, device)


def told(name="machine.counted"):
    return [event.payload for event in Event.objects.filter(name=name).order_by("id")]


def of(tag):
    return list(CountEvent.objects.filter(tag=tag).order_by("pk"))


def test_a_count_is_reported_on_the_job_that_runs_there_as_of_its_time(works, machine):
    device, tag = machine
    operation = running(works)
    hand = reader(device)
    hand.read(tag, (0, 65534), (1, 3))
    assert posting.settle() == 1
    assert buckets(operation)["finished"] == 5
    (count,) = of(tag)
    assert (count.posting, count.operation_id) == ("POSTED", operation.pk)
    assert count.posted_command == posting.count_command(count)
    report = ProductionReport.objects.get(command_id=count.posted_command)
    assert (report.good, report.actor_kind, report.occurred_at) == (5, "machine", count.ended_at)
    assert told() == [
        {
            "device": "M1", "work_unit": "WC1", "tag": tag.name, "count": count.pk, "quantity": "5", "scrap": False,
            "kind": "ROLLOVER", "in_gap": False, "outcome": "POSTED", "operation": operation.pk,
            "order": operation.order.number, "reason": None,
        }
    ]  # fmt: skip
    assert violations() == []


def test_settling_again_posts_nothing_again(works, machine):
    device, tag = machine
    operation = running(works)
    reader(device).read(tag, (0, 1), (1, 4))
    (count,) = of(tag)
    command = posting.count_command(count)
    post_count(actor=posting.machine(device), count_id=count.pk, command_id=command)
    assert posting.settle() == 0
    post_count(actor=posting.machine(device), count_id=count.pk, command_id=command)
    assert buckets(operation)["finished"] == 3
    with pytest.raises(Refused, match="state_forbids"):
        post_count(actor=posting.machine(device), count_id=count.pk, command_id=command_id())


def test_pieces_per_count_and_scrap_with_its_reason(works):
    device = a_device(works)
    good = a_tag(works, device, pieces_per_count="4")
    bad = a_tag(works, device, "SCRAP")
    operation = running(works)
    hand = reader(device)
    hand.read(good, (0, 0), (1, 3))
    hand.read(bad, (0, 7), (1, 9))
    posting.settle()
    assert buckets(operation) == {"arrived": 100, "in_process": 86, "finished": 12, "scrap": 2}
    assert ProductionReport.objects.get(operation=operation, scrap=2).reason.code == "CRACK"


def test_where_the_operator_counts_the_machine_s_counts_are_only_kept(works):
    device = a_device(works, source="OPERATOR")
    tag = a_tag(works, device)
    operation = running(works)
    reader(device).read(tag, (0, 0), (1, 3))
    assert posting.settle() == 0
    assert [count.posting for count in of(tag)] == ["STORED"]
    assert "finished" not in buckets(operation)


def test_a_count_without_a_job_waits_and_is_assigned_by_a_lead(works, machine):
    device, tag = machine
    hand = reader(device)
    hand.read(tag, (0, 0), (1, 3))
    posting.settle()
    (count,) = of(tag)
    assert (count.posting, count.refused) == ("UNASSIGNED", "nobody_runs")
    assert count.refused_text == "No job ran on WC1 when it counted 3."
    operation = running(works)
    lead = works.person("lead")
    with pytest.raises(Refused, match="forbidden"):
        assign_count(actor=works.person(), count_id=count.pk, operation_id=operation.pk, command_id=command_id())
    elsewhere = works.operation(
        works.order(operations=[{"sequence": 10, "work_center": works.work_center("WC9").code}])
    )
    with pytest.raises(Refused, match="is not made on WC1"):
        assign_count(actor=lead, count_id=count.pk, operation_id=elsewhere.pk, command_id=command_id())
    assign_count(actor=lead, count_id=count.pk, operation_id=operation.pk, command_id=command_id())
    assert buckets(operation)["finished"] == 3
    with pytest.raises(Refused, match="This count is POSTED already"):
        assign_count(actor=lead, count_id=count.pk, operation_id=operation.pk, command_id=command_id())
    assert [payload["outcome"] for payload in told()] == ["UNASSIGNED", "POSTED"]
    assert violations() == []


def test_a_count_is_dismissed_only_with_a_reason(works, machine):
    device, tag = machine
    reader(device).read(tag, (0, 0), (1, 3))
    posting.settle()
    (count,) = of(tag)
    lead = works.person("lead")
    for nothing in ("", "  ", "\0\n"):
        with pytest.raises(Refused, match="dismiss_needs_reason"):
            dismiss_count(actor=lead, count_id=count.pk, reason=nothing, command_id=command_id())
    dismiss_count(actor=lead, count_id=count.pk, reason="<b>test\u202e pieces</b>", command_id=command_id())
    count.refresh_from_db()
    assert (count.posting, count.settled_reason) == ("DISMISSED", "<b>test pieces</b>")


def test_more_than_is_open_waits_with_the_refusal_s_own_words(works, machine):
    device, tag = machine
    operation = running(works, quantity=2)
    reader(device).read(tag, (0, 0), (1, 3))
    posting.settle()
    (count,) = of(tag)
    assert (count.posting, count.refused) == ("UNASSIGNED", "more_than_open")
    assert "has 2 pc open; 3 were reported" in count.refused_text
    assert "finished" not in buckets(operation)


def test_of_several_jobs_nobody_guesses(works, machine):
    device, tag = machine
    running(works)
    start(works, works.operation(works.order()), name="uma")
    reader(device).read(tag, (0, 0), (1, 3))
    posting.settle()
    assert [count.refused for count in of(tag)] == ["several_run"]


def test_a_run_that_names_its_machine_keeps_out_of_the_other_s_counts(works, machine):
    device, tag = machine
    operation = works.operation(works.order())
    with back_dating():
        Doer(works.person()).start(operation, work_unit="WC1", at=timezone.now() - timedelta(hours=1))
    reader(device).read(tag, (0, 0), (1, 3))
    posting.settle()
    assert buckets(operation)["finished"] == 3


def test_a_count_across_a_change_of_jobs_goes_to_the_job_of_the_reading(works, machine):
    device, tag = machine
    hand = reader(device)
    before, after = running(works), works.operation(works.order(quantity=100))
    with back_dating():
        Doer(works.person("operator", "olu")).suspend(before, at=hand.at(0.5))
        Doer(works.person("operator", "olu")).start(after, at=hand.at(0.8))
    hand.read(tag, (0, 0), (1, 3))
    posting.settle()
    assert buckets(after)["finished"] == 3
    hand.read(tag, (60, 20))
    assert of(tag)[-1].in_gap
    posting.settle()
    assert buckets(after)["finished"] == 20, "in the gap only this job ran"


def test_a_gap_in_which_two_jobs_ran_is_for_a_person(works, machine):
    device, tag = machine
    hand = reader(device)
    before, after = running(works), works.operation(works.order())
    hand.read(tag, (0, 0))
    with back_dating():
        Doer(works.person("operator", "olu")).suspend(before, at=hand.at(30))
        Doer(works.person("operator", "olu")).start(after, at=hand.at(31))
    hand.read(tag, (60, 20))
    posting.settle()
    assert [count.refused for count in of(tag)] == ["several_run"]


def test_what_a_machine_proposes_is_booked_when_the_operator_confirms_the_figure_he_saw(works):
    device = a_device(works, source="MACHINE_PROPOSES")
    tag, bad = a_tag(works, device), a_tag(works, device, "SCRAP")
    operation = running(works)
    hand = reader(device)
    hand.read(tag, (0, 0), (1, 3), (2, 7))
    hand.read(bad, (0, 0), (1, 1))
    posting.settle()
    assert [count.posting for count in of(tag)] == ["PROPOSED", "PROPOSED"]
    assert "finished" not in buckets(operation)
    olu = works.person("operator", "olu")
    with pytest.raises(Refused, match="it proposes 7 now, not 3"):
        accept_counts(actor=olu, operation_id=operation.pk, good="3", command_id=command_id())
    key = command_id()
    accept_counts(actor=olu, operation_id=operation.pk, good="7", command_id=key)
    accept_counts(actor=olu, operation_id=operation.pk, good="7", command_id=key)
    assert buckets(operation) == {"arrived": 100, "in_process": 92, "finished": 7, "scrap": 1}
    assert {count.posting for count in [*of(tag), *of(bad)]} == {"POSTED"}
    with pytest.raises(Refused, match="nothing_proposed"):
        accept_counts(actor=olu, operation_id=operation.pk, good="7", command_id=command_id())
    assert violations() == []


def test_a_proposal_that_nobody_confirmed_in_time_is_set_aside(works):
    device = a_device(works, source="MACHINE_PROPOSES")
    tag = a_tag(works, device)
    operation = running(works, quantity=5)
    reader(device).read(tag, (0, 0), (1, 3))
    posting.settle()
    Doer(works.person("operator", "olu")).complete(operation, 5)
    posting.settle()
    assert [(count.posting, count.refused) for count in of(tag)] == [("UNASSIGNED", "job_is_over")]


def test_undoing_the_report_makes_the_count_wait_again(works, machine):
    device, tag = machine
    operation = running(works)
    reader(device).read(tag, (0, 0), (1, 3))
    posting.settle()
    (count,) = of(tag)
    Doer(works.person("lead")).undo(count.posted_command, reason="wrong job")
    delivery.drain()
    count.refresh_from_db()
    assert (count.posting, count.refused, count.posted_command) == ("UNASSIGNED", "count_taken_back", None)
    assert "finished" not in buckets(operation)
    assign_count(actor=works.person("lead"), count_id=count.pk, operation_id=operation.pk, command_id=command_id())
    assert buckets(operation)["finished"] == 3
    assert violations() == []


def test_a_center_given_to_the_operator_meanwhile_takes_no_count(works, machine):
    device, tag = machine
    running(works)
    reader(device).read(tag, (0, 0), (1, 3))
    WorkCenter.objects.filter(site=works.site, code="WC1").update(count_source="OPERATOR")
    posting.settle()
    assert [count.refused for count in of(tag)] == ["operator_counts"]


def test_each_change_of_state_is_told_once(works):
    device = a_device(works)
    tag = a_tag(works, device, "STATE")
    hand = reader(device)
    hand.read(tag, (0, 3), (5, 1), (9, 0))
    assert posting.settle() == 3
    assert posting.settle() == 0
    assert [(one["state"], one["before"], one["code"]) for one in told("machine.state_changed")] == [
        ("SETUP", None, 3),
        ("RUN", "SETUP", 1),
        ("STOP", "RUN", 0),
    ]
    event = Event.objects.filter(name="machine.state_changed").order_by("id")[1]
    assert (event.subject, event.actor_kind, event.occurred_at) == (f"device:{device.pk}", "machine", hand.at(5))
    assert not EquipmentState.objects.filter(told=False, work_unit=device.work_unit).exists()
