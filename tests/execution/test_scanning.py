"""Scans against real PostgreSQL: what each is answered, what acting leaves behind, and what is never acted upon."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from mes.accounts.models import Badge
from mes.execution.scan_answers import REASONS, ScanAnswer
from mes.execution.scanning import read_scan
from mes.kernel import scanning
from mes.kernel.errors import REASONS as REFUSALS
from mes.kernel.errors import Refused
from mes.kernel.gs1 import GS, check_digit
from mes.kernel.invariants import violations
from mes.kernel.models import CommandReceipt, Event, ScanLog
from mes.kernel.scanning import make_address, make_code, make_id_code
from quality.models import Gauge
from tests.builders import Doer, Plant, command_id, plant
from traceability.actions.lots import hold_lot
from traceability.models import LotBalance, MaterialMovement
from workorders.models import Reason, StorageLocation

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()
#: Reasons only scans know that are neither in the registry nor in the grammar.
SCAN_ONLY = {"not_here", "no_question", "command_without_job", "gs1_separators", "label_expired"}


@pytest.fixture
def works() -> Plant:
    return plant()


@pytest.fixture
def job(works):
    """A started operation that needs 5 SEAL (by lot) and 2 GLUE (without lots)."""
    works.item("SEAL")
    works.item("GLUE", tracking="NONE")
    works.item("OTHER")
    order = works.order(
        quantity=5,
        materials=[{"item": "SEAL", "quantity_per": "1"}, {"item": "GLUE", "quantity_per": "0.4"}],
    )
    operation = works.operation(order)
    Doer(works.person()).start(operation)
    operation.refresh_from_db()
    return operation


def scan(works: Plant, code: str, operation=None, act: bool = False, **more) -> ScanAnswer:
    made = more.pop("command_id", command_id() if act else None)
    answer = read_scan(
        actor=more.pop("actor", works.person()),
        code=code,
        operation_id=operation.pk if operation is not None else None,
        act=act,
        command_id=made,
        **more,
    )
    known = {**REASONS, **REFUSALS, **scanning.SENTENCES}
    assert answer.reason in known or answer.reason in SCAN_ONLY, answer
    assert answer.what
    assert answer.happened or answer.next, answer
    if answer.verdict in ("refused", "unknown"):
        assert answer.happened, answer
        assert answer.next, answer
    return answer


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


@pytest.mark.parametrize(
    ("code", "verdict", "reason"),
    [
        ("", "refused", "empty"),
        (" \t\r\n", "refused", "empty"),
        ("nothing of ours", "unknown", "unknown"),
        ("<script>alert(1)</script>", "unknown", "unknown"),
        ("'; DROP TABLE kernel_event; --", "unknown", "unknown"),
        ("\x00", "refused", "control_character"),
        ("A\x07B", "refused", "control_character"),
        ("A\u202eB", "refused", "control_character"),
        ("\ud800", "refused", "control_character"),
        ("X" * 65, "refused", "too_long"),
        ("X" * 100_000, "refused", "too_long"),
        ("L-B2291-0", "refused", "check_character"),
        ("https://mes.example/b/LB2291.0", "refused", "check_character"),
        ("]C10112345678901234", "refused", "gs1_check_digit"),
        ("]C110", "refused", "gs1_value_missing"),
        ("]C199123", "unknown", "unknown"),
        ("]C117261301", "refused", "gs1_date"),
    ],
)
def test_garbage_is_answered_with_its_own_sentence_and_logged(works, job, code, verdict, reason):
    answer = scan(works, code, job, act=True)
    assert (answer.verdict, answer.reason) == (verdict, reason)
    log = ScanLog.objects.get(site_id=works.site.pk)
    assert log.reason == reason
    assert len(log.code) <= 80
    assert log.code.isprintable()


def test_glued_codes_are_shown_and_never_used(works, job):
    works.lot("SEAL", "S1", 20)
    one, two = make_code("L", "S1"), make_code("L", "S2")
    answer = scan(works, one + two, job, act=True)
    assert (answer.verdict, answer.reason) == ("refused", "several_codes")
    assert [choice.text for choice in answer.choices] == [one, two]
    assert not MaterialMovement.objects.filter(operation=job).exists()


def test_a_label_of_another_plant_is_told_from_ours_by_its_address(works, job):
    works.lot("SEAL", "S1", 20)
    foreign = make_address("https://elsewhere.example", "L", "S1")
    answer = scan(works, foreign, job, hosts=["mes.example"])
    assert (answer.verdict, answer.reason) == ("refused", "foreign_site")
    ours = make_address("https://mes.example", "L", "S1")
    assert scan(works, ours, job, hosts=["mes.example"]).reason == "lot_due"


def test_a_number_that_only_looks_like_a_code_of_ours_is_still_found(works, job):
    works.lot("SEAL", "L-B2291-0", 20)
    assert scan(works, "L-B2291-0", job).reason == "lot_due"


def gtin(base: str) -> str:
    return base + check_digit(base)


def test_a_suppliers_symbol_finds_the_lot_by_its_batch_and_the_item_by_its_gtin(works, job):
    works.lot("SEAL", "S1", 20, supplier_lot="BATCH-7")
    answer = scan(works, f"]d201{gtin('0401234500001')}10BATCH-7", job)
    assert (answer.reason, answer.subject.number) == ("lot_due", "S1")
    works.item(gtin("0401234500009"))
    works.lot(gtin("0401234500009"), "BATCH-7", 5)
    both = scan(works, "]d210BATCH-7")
    assert (both.verdict, both.reason, len(both.choices)) == ("question", "ambiguous", 2)
    one = scan(works, f"]d201{gtin('0401234500009')}10BATCH-7")
    assert one.subject.number == "BATCH-7"


def test_a_symbol_that_says_itself_that_it_expired_is_refused(works, job):
    works.lot("SEAL", "S1", 20)
    answer = scan(works, "]d21720010110S1", job, act=True)
    assert (answer.verdict, answer.reason) == ("refused", "label_expired")
    assert not MaterialMovement.objects.filter(operation=job).exists()


def test_a_lot_number_that_swallowed_what_followed_is_not_believed(works, job):
    works.lot("SEAL", "12345", 20)
    answer = scan(works, "]d210123452130AB", job, act=True)
    assert (answer.verdict, answer.reason) == ("refused", "gs1_separators")
    assert scan(works, f"]d21012345{GS}2130AB", job).reason == "lot_due"


def test_a_number_of_several_things_is_a_question_and_each_choice_settles_it(works, job):
    works.lot("SEAL", "X1", 5)
    works.lot("OTHER", "X1", 5)
    works.work_center("X1")
    answer = scan(works, "X1")
    assert (answer.verdict, answer.reason) == ("question", "ambiguous")
    assert sorted(choice.kind for choice in answer.choices) == ["lot", "lot", "work_center"]
    for choice in answer.choices:
        settled = scan(works, choice.code)
        assert (settled.verdict, settled.subject) == ("good", choice)
    assert scan(works, "X1", expect=["work_center"]).subject.kind == "work_center"
    in_context = scan(works, "X1", job)
    assert (in_context.reason, in_context.subject.text) == ("lot_due", "Lot X1, Item SEAL")


def test_the_orders_own_output_lot_does_not_hide_the_order(works):
    order = works.order(quantity=2)
    operation = works.operation(order)
    hand = Doer(works.person())
    hand.start(operation)
    hand.report(operation, 1)
    assert scan(works, order.number).reason == "ambiguous"
    assert scan(works, order.number, operation).reason == "on_screen"


def test_kinds_mean_what_their_page_says(works, job):
    works.person("lead")
    badge = make_code("B", f"B{works.site.pk}")
    Badge.objects.filter(user_id=works.person("lead").id).update(code=f"B{works.site.pk}")
    Gauge.objects.create(site=works.site, code="G1", calibrated_until=TODAY)
    Gauge.objects.create(site=works.site, code="G2", calibrated_until=TODAY - timedelta(days=2))
    StorageLocation.objects.create(site=works.site, code="BIN")
    other = works.operation(works.order())
    scrap = Reason.objects.get(site=works.site, code="CRACK")
    works.lot("SEAL", "S1", 5)
    cases = [
        (badge, "lock", None, "good", "identified"),
        (badge, "job", job, "good", "identified"),
        (badge, "desk", None, "refused", "not_here"),
        (make_id_code("O", job.order_id), "lock", None, "good", "recognised"),
        (make_id_code("O", job.order_id), "home", None, "good", "job"),
        (make_id_code("O", job.order_id), "job", job, "good", "on_screen"),
        (make_id_code("O", job.order_id), "desk", None, "good", "recognised"),
        (f"{job.order.number}-10", "home", None, "good", "job"),
        (f"{job.order.number}.10", "home", None, "good", "job"),
        (make_id_code("P", other.pk), "job", job, "question", "other_job"),
        (make_id_code("P", job.pk), "job", job, "good", "on_screen"),
        ("S1", "home", None, "good", "recognised"),
        ("S1", "check", job, "good", "recognised"),
        (make_code("W", "WC1"), "home", None, "good", "recognised"),
        (make_code("W", "WC1"), "lock", None, "refused", "not_here"),
        (make_code("N", "BIN"), "materials", job, "good", "source_location"),
        (make_code("N", "BIN"), "home", None, "refused", "not_here"),
        (make_code("G", "G1"), "check", job, "good", "gauge"),
        (make_code("G", "G2"), "check", job, "refused", "gauge_expired"),
        (make_id_code("R", scrap.pk), "job", job, "question", "reason_code"),
        (make_code("R", "CRACK"), "home", None, "refused", "not_here"),
        (make_code("Q", "25"), "job", job, "good", "quantity"),
        (make_code("Q", "25"), "desk", None, "refused", "not_here"),
        (make_code("S", "PA-1"), "job", job, "unknown", "unknown"),
        (make_code("H", "1"), "home", None, "unknown", "unknown"),
    ]
    for code, page, operation, verdict, reason in cases:
        answer = scan(works, code, operation, page=page)
        assert (answer.verdict, answer.reason) == (verdict, reason), (code, page, answer)


def test_a_badge_never_stands_in_the_scan_log(works):
    badge = Badge.objects.get(user_id=works.person("lead").id)
    scan(works, badge.code, page="lock")
    assert badge.code not in ScanLog.objects.get(site_id=works.site.pk).code


def test_an_order_with_several_open_operations_asks_which_and_the_work_center_decides(works):
    works.work_center("WC2")
    order = works.order(
        operations=[
            {"sequence": 10, "work_center": "WC1", "overlap": True},
            {"sequence": 20, "work_center": "WC2"},
        ],
        quantity=4,
    )
    first = works.operation(order, 10)
    hand = Doer(works.person())
    hand.start(first)
    hand.report(first, good=2)
    answer = scan(works, make_id_code("O", order.pk), page="home")
    assert (answer.verdict, answer.reason, len(answer.choices)) == ("question", "choose_operation", 2)
    here = scan(works, make_id_code("O", order.pk), page="home", work_center_id=works.work_center("WC2").pk)
    assert (here.reason, here.subject.number) == ("job", f"{order.number}-20")


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


def test_scans_of_another_site_are_not_seen(works, job):
    elsewhere = plant()
    elsewhere.item("SEAL")
    elsewhere.lot("SEAL", "THEIRS", 5)
    assert scan(works, "THEIRS", job).verdict == "unknown"
    with pytest.raises(Refused) as caught:
        scan(elsewhere, "S1", job)
    assert caught.value.reason == "not_found"


def test_an_act_needs_a_command_id_and_a_page_must_exist(works, job):
    with pytest.raises(Refused) as caught:
        scan(works, "S1", job, act=True, command_id=None)
    assert caught.value.code == "unparseable"
    with pytest.raises(Refused) as caught:
        scan(works, "S1", job, page="moon")
    assert caught.value.code == "invalid"
