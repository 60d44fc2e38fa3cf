"""What a scanned text is taken for: garbage, labels of others, several meanings, and what a kind means on a page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mes.accounts.models import Badge
from mes.kernel.errors import Refused
from mes.kernel.gs1 import GS, check_digit
from mes.kernel.models import ScanLog
from mes.kernel.scanning import make_address, make_code, make_id_code
from quality.models import Gauge
from tests.builders import Doer, plant
from tests.execution.scans import scan
from traceability.models import MaterialMovement
from workorders.models import Reason, StorageLocation

pytestmark = pytest.mark.django_db

TODAY = timezone.now().date()


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


def test_scans_of_another_site_are_not_seen(works, job):
    elsewhere = plant()
    elsewhere.item("SEAL")
    elsewhere.lot("SEAL", "THEIRS", 5)
    assert scan(works, "THEIRS", job).verdict == "unknown"
    with pytest.raises(Refused) as caught:
        scan(elsewhere, "S1", job)
    assert caught.value.reason == "not_found"
