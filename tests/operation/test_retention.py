"""What goes after its time, what stays, and that the database itself refuses to let go too early."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from erp_sync.models import ExternalRef, InboundRecord
from mes.accounts.models import SignInFailure
from mes.kernel import retention
from mes.kernel.invariants import violations
from mes.kernel.models import CommandApproval, CommandReceipt, Delivery, Event, ScanLog
from tests.builders import Doer
from tests.erp.conftest import scripted, site
from tests.erp.engine import Works

__all__ = ["scripted", "site"]
pytestmark = pytest.mark.django_db


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def receipt(days: float) -> uuid.UUID:
    made = CommandReceipt.objects.create(
        command_id=uuid.uuid4(), fingerprint=b"x", name="x", actor_kind="system", actor_id=0, actor_name="x",
        status=200, outcome={}, recorded_at=ago(days),
    )  # fmt: skip
    return made.command_id


def scan(days: float) -> int:
    return ScanLog.objects.create(
        site_id=1, actor_kind="person", actor_id=1, actor_name="x", code="X", verdict="good", reason="x",
        occurred_at=ago(days),
    ).pk  # fmt: skip


def inbound(works: Works, days: float, state: str, key: str, digest: str = "") -> int:
    return InboundRecord.objects.create(
        connection=works.connection, entity="item", key=key, digest=digest or uuid.uuid4().hex, modified_at=ago(days),
        received_at=ago(days), body={}, state=state, reason="x" if state == "PARKED" else "",
    ).pk  # fmt: skip


def test_what_is_over_its_time_goes_and_everything_else_stays(site: Works) -> None:
    old, young = receipt(401), receipt(399)
    for command_id, days in ((old, 401), (young, 399)):
        CommandApproval.objects.create(command_id=command_id, approved_by=1, approved_at=ago(days))
    old_scan, young_scan = scan(181), scan(179)
    for name, days in (("old", 31), ("new", 29)):
        SignInFailure.objects.create(username=name, address="x", failures=1, last_at=ago(days))
    SignInFailure.objects.create(username="locked", address="x", last_at=ago(31), locked_until=ago(-1))
    applied = inbound(site, 401, "APPLIED", "A")
    held = inbound(site, 401, "APPLIED", "B", digest="now")
    parked, fresh = inbound(site, 401, "PARKED", "C"), inbound(site, 399, "SUPERSEDED", "A")
    ExternalRef.objects.create(
        connection=site.connection, entity="item", key="B", local_id=1, code="B", modified_at=ago(0), digest="now"
    )

    said = retention.sweep()
    assert "1 receipts" in said
    assert "1 scans" in said
    kept = CommandReceipt.objects.filter(command_id__in=[old, young]).values_list("command_id", flat=True)
    assert list(kept) == [young]
    assert list(CommandApproval.objects.values_list("command_id", flat=True)) == [young]
    assert not ScanLog.objects.filter(pk=old_scan).exists()
    assert ScanLog.objects.filter(pk=young_scan).exists()
    assert set(SignInFailure.objects.values_list("username", flat=True)) == {"new", "locked"}
    assert set(InboundRecord.objects.values_list("pk", flat=True)) == {held, parked, fresh}
    assert applied not in (held, parked, fresh)
    assert violations() == []
    assert retention.sweep() == "Nothing was over its time"


def test_deliveries_go_when_they_were_settled_long_ago_and_never_while_something_is_owed(site: Works) -> None:
    site.finish(site.erp_order())
    events = list(Event.objects.order_by("pk")[:4])
    rows = []
    for event, status in zip(events, ("DONE", "SKIPPED", "OPEN", "PARKED"), strict=True):
        rows.append(
            Delivery.objects.create(
                event=event, subscriber="old", subject=event.subject, status=status, settled_at=ago(91),
                parked_reason="x" if status == "PARKED" else "",
            )
        )  # fmt: skip
    fresh = Delivery.objects.create(
        event=events[0], subscriber="new", subject=events[0].subject, status="DONE", settled_at=ago(89)
    )
    before = Delivery.objects.count()
    assert "2 deliveries" in retention.sweep()
    assert Delivery.objects.count() == before - 2
    left = set(Delivery.objects.filter(pk__in=[*(row.pk for row in rows), fresh.pk]).values_list("pk", flat=True))
    assert left == {rows[2].pk, rows[3].pk, fresh.pk}
    assert violations() == []


def test_batches_are_small_and_the_sweep_goes_on_until_nothing_is_left(
    site: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(7):
        scan(200)
    monkeypatch.setattr(retention, "BATCH", 3)
    assert "7 scans" in retention.sweep()
    for _ in range(7):
        scan(200)
    monkeypatch.setattr(retention, "MOST", 2)
    assert "6 scans" in retention.sweep(), "the next night goes on"


def test_nought_keeps_for_ever_and_receipts_are_kept_400_days_whatever_is_set(site: Works, settings: Any) -> None:
    settings.RETENTION_DAYS = dict.fromkeys(settings.RETENTION_DAYS, 0)
    scan(9999)
    assert retention.sweep() == "Nothing was over its time"
    settings.RETENTION_DAYS = dict.fromkeys(settings.RETENTION_DAYS, 1)
    young, scanned = receipt(399), scan(29)
    retention.sweep()
    assert CommandReceipt.objects.filter(command_id=young).exists()
    assert ScanLog.objects.filter(pk=scanned).exists()
    assert not ScanLog.objects.filter(occurred_at__lt=ago(30)).exists()


@pytest.mark.parametrize(
    ("make", "table", "key"),
    [
        (lambda works: receipt(399), "kernel_commandreceipt", "command_id"),
        (lambda works: scan(29), "kernel_scanlog", "id"),
        (lambda works: inbound(works, 89, "APPLIED", "K"), "erp_sync_inboundrecord", "id"),
        (lambda works: inbound(works, 999, "PARKED", "K"), "erp_sync_inboundrecord", "id"),
    ],
)
def test_the_database_refuses_to_delete_before_the_time(site: Works, make: Any, table: str, key: str) -> None:
    row = make(site)
    with pytest.raises(IntegrityError, match="kept"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {key} = %s", [row])


def test_no_fact_is_ever_in_a_rule(site: Works) -> None:
    """The tables of facts refuse to lose a row, whatever anybody registers."""
    Doer(site.plant.person()).start(site.plant.operation(site.erp_order()))
    touched = {word for rule in retention.RULES.values() for word in rule.sql.split() if "_" in word}
    assert touched & {"kernel_event", "traceability_materialmovement", "workorders_productionreport"} == set()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM kernel_event")
