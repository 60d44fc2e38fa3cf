"""Every event name in the code stands on the page of events, and every payload says what the page says."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from devices import posting
from mes.accounts import terminals
from mes.accounts.actions import people
from mes.accounts.actions.terminals import revoke_terminal
from mes.execution.paper import enter_paper_work
from mes.execution.release import cancel_order, release_order, skip_operation
from mes.kernel.models import Event
from quality.actions.inspections import record_check
from tests.builders import Doer, Plant, command_id, plant
from tests.devices.machines import a_device, a_tag, reader
from traceability.actions.lots import adjust_lot, close_lot, hold_lot, receive_lot, release_lot_hold, reopen_lot
from workorders.actions.calendars import add_holiday, remove_holiday, save_calendar
from workorders.actions.holds import place_hold, release_hold
from workorders.actions.orders import close_order, recall_order, split_order
from workorders.actions.planning import correct_order, decide_change, request_change, resequence_order
from workorders.actions.receiving import import_orders

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
#: What every payload of a chain may carry.
MASTERDATA = {
    "area", "location", "work_center", "work_unit", "reason", "calendar", "shift", "holiday", "unit_of_measure",
    "conversion", "item", "bom", "routing",
}  # fmt: skip
BASE = {
    "order": {"order", "operation", "sequence"},
    "lot": {"lot", "item", "quantity", "unit", "operation", "order"},
    "item": {"item"},
    "work_center": {"work_center"},
    "device": {"device", "work_unit"},
    "masterdata": {"kind", "code"},
    "person": {"person", "username", "name"},
    "terminal": {"terminal", "name"},
}
#: Chains whose table of payloads stands under a heading of its own.
PARTS = {
    "order": "On the chain of an order",
    "lot": "On the chain of a lot",
    "masterdata": "On the chains of master data",
    "person": "On the chain of a person",
    "device": "On the chain of a device",
}


def names_in_code() -> set[str]:
    found: set[str] = set()
    for room in ("workorders", "traceability", "quality", "labor", "erp_sync", "devices", "mes/accounts"):
        text = (ROOT / room / "events.py").read_text(encoding="utf-8")
        found |= set(re.findall(r'^[A-Z_]+ = "([a-z_]+\.[a-z_]+)"', text, re.MULTILINE))
    return found


def documented() -> dict[tuple[str, str], set[str]]:
    """(kind of chain, name) → the fields of its payload besides those of every payload there."""
    page = PAGE.read_text(encoding="utf-8")
    found: dict[tuple[str, str], set[str]] = {}
    for kind, heading in PARTS.items():
        part = page.partition(f"## {heading}")[2].partition("\n## ")[0]
        for names, fields in re.findall(r"^\| (`.*?) \| (.*) \|$", part, re.MULTILINE):
            for name in re.findall(r"`([^`]+)`", names):
                found[(kind, name)] = set(re.findall(r"`([^`]+)`", fields))
    for kind in ("item", "work_center"):
        for name in ("hold.placed", "hold.released"):
            found[(kind, name)] = found[("order", name)] - BASE["order"]
    found[("terminal", "terminal.revoked")] = set()
    return found


def test_every_event_name_is_documented() -> None:
    names = names_in_code()
    assert len(names) >= 20
    assert sorted(names - {name for _kind, name in documented()}) == []


@pytest.mark.django_db
def test_every_payload_says_what_the_page_says() -> None:
    everything_happens()
    told = documented()
    seen: dict[tuple[str, str], set[str]] = {}
    for event in Event.objects.all():
        kind = event.subject.split(":")[0]
        if event.name.startswith("masterdata."):
            assert kind in MASTERDATA
            kind = "masterdata"
        assert (kind, event.name) in told, f"{event.name} is not documented on a chain of {kind}"
        extra = set(event.payload) - told[(kind, event.name)] - BASE[kind]
        assert not extra, f"{event.name} on {kind} carries {sorted(extra)}, which the page does not say"
        assert event.version == 1
        seen.setdefault((kind, event.name), set()).update(event.payload)
    for key, keys in seen.items():
        assert told[key] - keys == set(), f"the page promises more of {key} than any payload carries"
    emitted_elsewhere = {"erp.posted", "erp.parked"}
    assert names_in_code() - {name for _kind, name in seen} == emitted_elsewhere


def replanned(works) -> None:
    """An order moved, changed, refused a change, and worked on paper."""
    boss, order = works.person("supervisor"), works.order("RM")
    resequence_order(actor=boss, order_id=order.pk, to="FIRST", note="x", command_id=command_id())
    for apply in (True, False):
        wanted = {"quantity": "11" if apply else "12"}
        asked = request_change(actor=boss, order_id=order.pk, wanted=wanted, note="x", command_id=command_id())
        decide_change(actor=boss, request_id=asked.pk, apply=apply, note="y", command_id=command_id())
    now = timezone.now()
    enter_paper_work(
        actor=boss,
        operation_id=works.operation(order).pk,
        person_id=works.person().id,
        began=now - timedelta(hours=90),
        ended=now - timedelta(hours=89),
        command_id=command_id(),
    )


def the_settings_change(works: Plant) -> None:
    """Each event of people, terminals and master data, with every field it may carry."""
    admin = works.person("admin")
    who = {"name": "Zoe", "role": "lead", "language": "en"}
    zoe = people.add_person(actor=admin, username=f"{works.prefix}-zoe", pin_hash="x", command_id=command_id(), **who)
    people.change_person(actor=admin, person_id=zoe.pk, command_id=command_id(), **who | {"role": "operator"})
    people.reset_pin(actor=admin, person_id=zoe.pk, pin_hash="y", command_id=command_id())
    people.set_password(actor=admin, person_id=zoe.pk, password_hash="z", command_id=command_id())
    people.issue_badge(actor=admin, person_id=zoe.pk, command_id=command_id())
    people.deactivate_person(actor=admin, person_id=zoe.pk, command_id=command_id())
    people.reactivate_person(actor=admin, person_id=zoe.pk, command_id=command_id())
    terminal, _secret = terminals.enrol_here(actor=admin, name="T", work_center_id=works.work_center().pk)
    revoke_terminal(actor=admin, terminal_id=terminal.pk, command_id=command_id())
    week = save_calendar(actor=admin, row={"code": "A"}, command_id=command_id())
    save_calendar(actor=admin, row={"code": "B"}, pk=week.pk, command_id=command_id())
    free = add_holiday(actor=admin, calendar_id=week.pk, row={"day": "2027-01-01"}, command_id=command_id())
    remove_holiday(actor=admin, pk=free.pk, command_id=command_id())


def everything_happens() -> None:
    """Each core event at least once, with every field it may carry."""
    works = plant()
    the_settings_change(works)
    boss, worker, lead = works.person("supervisor"), works.person(), works.person("lead")
    hand = Doer(worker)
    for item, tracking in (("FG", "LOT"), ("RM", "LOT"), ("GREASE", "NONE")):
        works.item(item, tracking)
    works.plan("FG", operation=10)
    lot = works.lot("RM", "R1")
    bill = [{"item": "RM", "quantity_per": "1"}, {"item": "GREASE", "quantity_per": "1"}]
    order = works.order("FG", quantity=10, operations=2, materials=bill)
    first, second = works.operation(order, 10), works.operation(order, 20)
    split_order(actor=boss, order_id=order.pk, quantity="2", command_id=command_id())
    hand.undo(hand.start(first))
    hand.start(first)
    hand.undo(hand.suspend(first, reason="BREAK"))
    hand.undo(hand.consume(first, "R1", 3))
    hand.consume(first, "R1", 8)
    hand.consume(first, None, 8, item="GREASE")
    for value in ("99", "10"):
        record_check(actor=worker, operation_id=first.pk, code="dia", value=value, command_id=command_id())
    hand.undo(hand.report(first, 1, scrap=1, rework=1, reason="CRACK"))
    hand.undo(hand.complete(first, 8))
    hand.complete(first, 8)
    hand.start(second)
    hand.undo(hand.complete(second, 8))
    hand.complete(second, 8)
    close_order(actor=boss, order_id=order.pk, note="x", command_id=command_id())
    correct_order(
        actor=boss,
        order_id=order.pk,
        operation_id=second.pk,
        good=-1,
        scrap=1,
        reason="CRACK",
        note="x",
        command_id=command_id(),
    )
    replanned(works)
    planned = works.order("RM", released=False)
    row = {"number": planned.number, "item": "RM", "quantity": "11", "operations": planned.definition["operations"]}
    import_orders(actor=boss, rows=[row], command_id=command_id())
    skipped = works.order("RM", operations=2)
    skip_operation(actor=boss, operation_id=works.operation(skipped).pk, reason="NOT_NEEDED", command_id=command_id())
    cancelled = works.order("RM")
    recall_order(actor=boss, order_id=cancelled.pk, command_id=command_id())
    release_order(actor=boss, order_id=cancelled.pk, command_id=command_id())
    cancel_order(actor=boss, order_id=cancelled.pk, reason="CHECK", command_id=command_id())
    for target, pk in (
        ("order", skipped.pk),
        ("operation", works.operation(skipped, 20).pk),
        ("item", order.item_id),
        ("work_center", first.work_center_id),
    ):
        hold = place_hold(actor=lead, target=target, target_id=pk, reason="CHECK", note="x", command_id=command_id())
        release_hold(actor=lead, hold_id=hold.pk, note="y", command_id=command_id())
    held = hold_lot(actor=worker, lot_id=lot.pk, reason="CHECK", note="x", command_id=command_id())
    release_lot_hold(actor=works.person("quality"), hold_id=held.pk, note="y", command_id=command_id())
    machines_happen(works)
    adjusted = command_id()
    adjust_lot(actor=lead, lot_id=lot.pk, delta="-1", reason="COUNT", command_id=adjusted)
    Doer(lead).undo(adjusted)
    received = command_id()
    row = {"item": "RM", "number": "R2", "quantity": "5"}
    receive_lot(actor=lead, rows=[row], command_id=received)
    Doer(lead).undo(received)
    adjust_lot(actor=lead, lot_id=lot.pk, delta="-92", reason="COUNT", command_id=command_id())
    close_lot(actor=lead, lot_id=lot.pk, command_id=command_id())
    reopen_lot(actor=lead, lot_id=lot.pk, command_id=command_id())


def machines_happen(works: Plant) -> None:
    """A machine that is set up, states its states and counts for nobody."""
    device = a_device(works, center="WC7")
    state, good = a_tag(works, device, "STATE"), a_tag(works, device)
    hand = reader(device)
    hand.read(state, (0, 1), (5, 0))
    hand.read(good, (0, 1), (5, 3))
    posting.settle()
