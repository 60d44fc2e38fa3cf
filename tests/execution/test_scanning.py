"""Scans against real PostgreSQL: what each is answered, what acting leaves behind, and what is never acted upon."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from mes.kernel.errors import Refused
from mes.kernel.invariants import violations
from mes.kernel.models import CommandReceipt, Event, ScanLog
from mes.kernel.scanning import make_code
from tests.builders import Doer, command_id
from tests.execution.scans import scan
from traceability.actions.lots import hold_lot
from traceability.models import LotBalance, MaterialMovement
from workorders.models import StorageLocation

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()


def test_without_act_only_the_scan_log_is_written(works, job):
    works.lot("SEAL", "S1", 20)
    before = (Event.objects.count(), MaterialMovement.objects.count(), CommandReceipt.objects.count())
    answer = scan(works, make_code("L", "S1"), job)
    assert (answer.verdict, answer.reason, answer.action) == ("good", "lot_due", "consume_material")
    assert "Use 5 pc" in answer.next
    assert (Event.objects.count(), MaterialMovement.objects.count(), CommandReceipt.objects.count()) == before
    log = ScanLog.objects.get(site_id=works.site.pk)
    assert (log.verdict, log.reason, log.operation_id, log.code) == ("good", "lot_due", job.pk, make_code("L", "S1"))
    assert log.actor_id == works.person().id


def test_a_lot_that_is_due_is_used_with_what_is_still_required(works, job):
    lot = works.lot("SEAL", "S1", 20)
    answer = scan(works, make_code("L", "S1"), job, act=True)
    assert (answer.verdict, answer.reason) == ("good", "consumed")
    assert "5 pc" in answer.happened
    assert "GLUE" in answer.next
    assert LotBalance.objects.get(lot=lot).quantity == 15
    receipt = CommandReceipt.objects.get(pk=answer.undo)
    assert receipt.name == "consume_material"
    assert ScanLog.objects.get(command_id=answer.undo).reason == "consumed"
    Doer(works.person()).undo(answer.undo)
    assert LotBalance.objects.get(lot=lot).quantity == 20
    assert violations() == []


def test_a_lot_with_too_little_is_used_up_and_the_rest_is_asked_for(works, job):
    works.lot("SEAL", "S1", 3)
    works.lot("SEAL", "S2", 9)
    offer = scan(works, "S1", job)
    assert "Use 3 pc" in offer.next
    answer = scan(works, "S1", job, act=True)
    assert (answer.verdict, answer.reason) == ("question", "consumed_part")
    assert "2 pc of SEAL" in answer.next
    assert scan(works, "S2", job, act=True).reason == "consumed"
    again = scan(works, "S2", job, act=True)
    assert (again.verdict, again.reason, again.undo) == ("question", "nothing_more_needed", None)
    used = MaterialMovement.objects.filter(operation=job, kind="CONSUME").values_list("quantity", flat=True)
    assert sorted(used) == [Decimal(-3), Decimal(-2)]


def test_the_same_command_id_gives_the_stored_answer_and_another_scan_under_it_is_refused(works, job):
    works.lot("SEAL", "S1", 20)
    key = command_id()
    first = scan(works, "S1", job, act=True, command_id=key)
    again = scan(works, "S1", job, act=True, command_id=key)
    assert again == first
    assert again.replayed
    assert not first.replayed
    assert MaterialMovement.objects.filter(operation=job).count() == 1
    with pytest.raises(Refused) as caught:
        scan(works, "S2", job, act=True, command_id=key)
    assert caught.value.reason == "idempotency_key_reused"


def test_a_scan_that_did_nothing_leaves_no_receipt_and_its_id_may_be_used_again(works, job):
    key = command_id()
    assert scan(works, "S1", job, act=True, command_id=key).verdict == "unknown"
    works.lot("SEAL", "S1", 20)
    assert scan(works, "S1", job, act=True, command_id=key).reason == "consumed"


def test_material_without_lots_is_used_by_its_item_code(works, job):
    answer = scan(works, "GLUE", job, act=True)
    assert answer.reason == "consumed"
    assert MaterialMovement.objects.get(operation=job, lot=None).quantity == -2
    assert scan(works, "SEAL", job).reason == "lot_needed"


@pytest.mark.parametrize("act", [False, True])
def test_wrong_lots_get_sentences_of_their_own(works, job, act):
    works.lot("OTHER", "O1", 5)
    works.lot("SEAL", "OLD", 5, expiry=str(TODAY - timedelta(days=1)))
    held = works.lot("SEAL", "HELD", 5)
    hold_lot(actor=works.system, lot_id=held.pk, reason="CHECK", command_id=command_id())
    expected = {"O1": "not_a_component", "OLD": "lot_expired", "HELD": "lot_on_hold"}
    for number, reason in expected.items():
        answer = scan(works, number, job, act=act)
        assert (answer.verdict, answer.reason) == ("refused", reason)
        assert number in answer.what
    assert not MaterialMovement.objects.filter(operation=job).exists()
    assert ScanLog.objects.filter(site_id=works.site.pk, verdict="refused").count() == 3


def test_a_lot_at_several_locations_asks_and_a_location_scanned_before_settles_it(works, job):
    lot = works.lot("SEAL", "S1", 4, location="A")
    LotBalance.objects.create(lot=lot, location=StorageLocation.objects.create(site=works.site, code="B"), quantity=2)
    answer = scan(works, "S1", job, act=True)
    assert (answer.verdict, answer.reason) == ("question", "location_ambiguous")
    assert [choice.text for choice in answer.choices] == ["A: 4 pc", "B: 2 pc"]
    assert scan(works, make_code("N", "B"), job).reason == "source_location"
    assert scan(works, "S1", job, act=True, location="B").reason == "consumed_part"


def test_nothing_is_used_on_a_job_that_was_not_started(works):
    works.item("SEAL")
    works.lot("SEAL", "S1", 9)
    operation = works.operation(works.order(materials=[{"item": "SEAL", "quantity_per": "1"}]))
    answer = scan(works, "S1", operation, act=True)
    assert (answer.verdict, answer.reason) == ("refused", "not_started")


def test_command_codes_offer_and_run_their_act_on_the_job_alone(works):
    operation = works.operation(works.order(quantity=5))
    offer = scan(works, make_code("C", "START"), operation)
    assert (offer.verdict, offer.action) == ("good", "start_operation")
    operation.refresh_from_db()
    assert operation.state == "READY"
    started = scan(works, make_code("C", "START"), operation, act=True)
    assert (started.verdict, started.reason) == ("good", "command_done")
    assert CommandReceipt.objects.get(pk=started.undo).name == "start_operation"
    assert scan(works, make_code("C", "ONE"), operation, act=True).verdict == "good"
    assert scan(works, make_code("C", "PAUSE"), operation, act=True).verdict == "good"
    assert scan(works, make_code("C", "RESUME"), operation, act=True).verdict == "good"
    offer = scan(works, make_code("C", "DONE"), operation)
    assert "4 pc" in offer.next
    assert scan(works, make_code("C", "DONE"), operation, act=True).verdict == "good"
    operation.refresh_from_db()
    assert (operation.state, operation.good) == ("COMPLETED", 5)
    undone = scan(works, make_code("C", "UNDO"), operation, act=True)
    assert (undone.verdict, undone.undo) == ("good", None)
    operation.refresh_from_db()
    assert (operation.state, operation.good) == ("SUSPENDED", 1)
    assert violations() == []


def test_command_codes_refuse_where_there_is_nothing_for_them_to_do(works, job):
    assert scan(works, make_code("C", "DONE"), page="home", act=True).reason == "command_without_job"
    assert scan(works, make_code("C", "DONE"), page="desk").reason == "not_here"
    assert scan(works, make_code("C", "DONE"), page="lock").reason == "not_here"
    assert scan(works, make_code("C", "YES"), job, act=True).reason == "no_question"
    assert scan(works, make_code("C", "FLY"), job, act=True).reason == "unknown_command"
    assert scan(works, make_code("C", "NEXT"), job, act=True).reason == "command_page"
    fresh = works.operation(works.order())
    assert scan(works, make_code("C", "UNDO"), fresh, act=True).reason == "nothing_to_undo"
    assert scan(works, make_code("C", "DONE"), fresh, act=True).reason == "state_forbids"


def test_a_role_that_may_not_act_is_refused_by_the_act_and_may_still_look(works, job):
    works.lot("SEAL", "S1", 5)
    auditor = works.person("auditor")
    assert scan(works, "S1", actor=auditor).verdict == "good"
    answer = scan(works, "S1", job, act=True, actor=auditor)
    assert (answer.verdict, answer.reason) == ("refused", "forbidden")
    assert not MaterialMovement.objects.filter(operation=job).exists()


def test_an_act_needs_a_command_id_and_a_page_must_exist(works, job):
    with pytest.raises(Refused) as caught:
        scan(works, "S1", job, act=True, command_id=None)
    assert caught.value.code == "unparseable"
    with pytest.raises(Refused) as caught:
        scan(works, "S1", job, page="moon")
    assert caught.value.code == "invalid"
