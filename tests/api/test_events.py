"""The feed of events: its shape, its cursor, its completeness while others write, and the order inside an act."""

import threading
import time
import uuid

import pytest
from django.db import connection, transaction

from mes.kernel.actors import system
from mes.kernel.commands import Outcome, run
from mes.kernel.events import emit
from mes.kernel.models import Event
from tests.api.client import Caller
from tests.builders import Doer, plant


def settled(count: int, site_id: int) -> None:
    """Wait until the database lets COUNT events of the site be read: tests beside this one hold it back a little."""
    deadline = time.monotonic() + 60
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT count(*) FROM kernel_event"
                " WHERE site_id = %s AND tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint",
                [site_id],
            )
            if cursor.fetchone()[0] >= count:
                return
            time.sleep(0.05)
    raise AssertionError(f"{count} events did not appear within a minute")


def all_events(caller, since: str = "", limit: int = 500) -> list[dict]:
    """Everything after SINCE that is written by now, page by page."""
    settled(Event.objects.filter(site_id=caller.plant.site.pk).count(), caller.plant.site.pk)
    found, cursor = [], since
    while True:
        page = caller.get(f"/events?limit={limit}" + (f"&since={cursor}" if cursor else ""))
        found += page["items"]
        if not page["items"]:
            assert page["next_cursor"] == (cursor or page["next_cursor"])
            return found
        cursor = page["next_cursor"]


def write(site_id: int, name: str, before_commit=lambda: None) -> None:
    """One command with one event, as any act makes it."""

    def body() -> Outcome:
        emit(name, subject=f"order:{name}", label=f"order:{name}", payload={"n": 1})
        return Outcome(200, {})

    def with_pause() -> Outcome:
        made = body()
        # Everything is in the transaction but its end: the event itself is written after the body.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        before_commit()
        return made

    run(name=name, actor=system(site_id), command_id=uuid.uuid4(), fingerprint=b"", body=with_pause)


@pytest.mark.committed_db
def test_the_feed_has_the_shape_of_the_contract_and_pages_through_everything():
    works = plant()
    caller = Caller(works)
    empty = caller.get("/events")
    assert empty["items"] == []
    assert empty["next_cursor"]
    assert caller.get(f"/events?since={empty['next_cursor']}")["next_cursor"] == empty["next_cursor"]
    order = works.order(quantity=2)
    operation = works.operation(order)
    hand = Doer(works.person())
    hand.start(operation)
    hand.complete(operation, 2)
    found = all_events(caller)
    names = [event["name"] for event in found]
    for earlier, later in [
        ("order.received", "order.planned"),
        ("order.planned", "order.released"),
        ("order.released", "operation.started"),
        ("operation.started", "operation.reported"),
        ("operation.reported", "operation.completed"),
        ("operation.completed", "order.finished"),
    ]:
        assert names.index(earlier) < names.index(later)
    started = found[names.index("operation.started")]
    assert set(started) == {
        "id",
        "uuid",
        "name",
        "version",
        "subject",
        "actor",
        "occurred_at",
        "recorded_at",
        "command_id",
        "payload",
    }
    assert started["subject"] == f"order:{order.number}"
    assert started["actor"] == {"kind": "person", "id": works.person().id, "name": works.person().name}
    assert (started["payload"]["operation"], started["payload"]["order"]) == (operation.pk, order.number)
    assert [event["uuid"] for event in all_events(caller, limit=1)] == [event["uuid"] for event in found]
    assert len({event["id"] for event in found}) == len(found)


@pytest.mark.committed_db
def test_an_event_waits_until_no_older_transaction_can_still_commit_before_it():
    works = plant()
    caller = Caller(works)
    slow_has_begun, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        def pause() -> None:
            slow_has_begun.set()
            assert may_end.wait(20)

        try:
            write(works.site.pk, "slow", pause)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        assert slow_has_begun.wait(20)
        write(works.site.pk, "fast")
        first = caller.get("/events")
        assert first["items"] == []
    finally:
        may_end.set()
        thread.join()
    settled(2, works.site.pk)
    second = caller.get(f"/events?since={first['next_cursor']}")
    assert [event["name"] for event in second["items"]] == ["slow", "fast"]
    write(works.site.pk, "last")
    settled(3, works.site.pk)
    third = caller.get(f"/events?since={second['next_cursor']}")
    assert [event["name"] for event in third["items"]] == ["last"]


@pytest.mark.committed_db
def test_a_reader_beside_many_writers_misses_nothing_and_sees_nothing_twice():
    works = plant()
    caller = Caller(works)
    writers, each = 4, 15

    def many(number: int) -> None:
        try:
            for place in range(each):
                write(works.site.pk, f"w{number}.{place}")
        finally:
            connection.close()

    threads = [threading.Thread(target=many, args=(number,)) for number in range(writers)]
    seen, cursor = [], caller.get("/events")["next_cursor"]
    for thread in threads:
        thread.start()
    for _ in range(2_000):
        page = caller.get(f"/events?limit=7&since={cursor}")
        seen += [event["name"] for event in page["items"]]
        cursor = page["next_cursor"]
        if not page["items"] and not any(thread.is_alive() for thread in threads):
            break
    for thread in threads:
        thread.join()
    seen += [event["name"] for event in all_events(caller, cursor)]
    assert sorted(seen) == sorted(f"w{number}.{place}" for number in range(writers) for place in range(each))


@pytest.mark.committed_db
def test_a_repeated_key_and_a_refused_act_add_no_event():
    works = plant()
    caller = Caller(works)
    operation = works.operation(works.order())
    key = uuid.uuid4()
    caller.post(f"/operations/{operation.pk}/start", key=key)
    before = len(all_events(caller))
    caller.post(f"/operations/{operation.pk}/start", key=key)
    assert caller.post(f"/operations/{operation.pk}/start").status == 422
    assert caller.post("/items", [{"code": ""}]).status == 200
    assert len(all_events(caller)) == before


@pytest.mark.committed_db
def test_undo_emits_negative_quantities_the_reopening_and_last_the_undone_command():
    works = plant()
    caller = Caller(works)
    works.item("SEAL")
    works.lot("SEAL", "S1", 9)
    operation = works.operation(works.order(quantity=2, materials=[{"item": "SEAL", "quantity_per": "1"}]))
    path = f"/operations/{operation.pk}"
    caller.post(f"{path}/start")
    used = caller.post(f"{path}/consume", {"lot": "S1", "quantity": 2})["command_id"]
    done = caller.post(f"{path}/complete", {"good": 2})["command_id"]
    for target in (done, used):
        undo = caller.post(f"/commands/{target}/undo")["command_id"]
        mine = [event for event in all_events(caller) if event["command_id"] == undo]
        assert mine[-1]["name"] == "command.undone"
        assert mine[-1]["payload"]["undone"] == target
        names = [event["name"] for event in mine]
        if target == done:
            assert names.index("operation.reported") < names.index("operation.reopened")
            assert mine[names.index("operation.reported")]["payload"]["good"] == "-2"
        else:
            assert mine[names.index("material.consumed")]["payload"]["quantity"] == "-2"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["since=x", "since=e30", "since=WzFd", "since=WyIxIiwxXQ", "limit=0", "limit=-1", "limit=x", "after=1"]
)
def test_a_cursor_or_limit_that_is_none_is_invalid(works, admin, query):
    assert admin.get(f"/events?{query}").error == (422, "invalid", "invalid")


@pytest.mark.django_db
def test_operators_do_not_read_the_feed(works):
    assert Caller(works, "operator").get("/events").status == 403
    with transaction.atomic():
        assert Caller(works, "auditor").get("/events").status == 200
