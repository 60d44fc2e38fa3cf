"""Two at once over HTTP, with real commits: who waits too long is told "busy", and the same key goes through later."""

import json
import threading
import uuid

import pytest
from django.db import connection, transaction

from mes.kernel.models import Event
from tests.api.client import Caller
from tests.builders import Doer, plant
from traceability.models import LotBalance
from workorders.models import ProductionReport, WorkOrder

pytestmark = pytest.mark.committed_db


def at_once(*acts):
    """Run ACTS in threads of their own, all beginning together; their results in order."""
    together, results = threading.Barrier(len(acts)), [None] * len(acts)

    def go(place: int, act) -> None:
        try:
            together.wait(20)
            results[place] = act()
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_who_waits_too_long_is_told_busy_and_the_same_key_succeeds_later():
    works = plant()
    caller = Caller(works)
    order = works.order()
    operation = works.operation(order)
    key = uuid.uuid4()
    with transaction.atomic():
        WorkOrder.objects.select_for_update().get(pk=order.pk)
        (answer,) = at_once(lambda: caller.post(f"/operations/{operation.pk}/start", key=key))
    assert answer.error == (409, "busy", "busy")
    assert int(answer.headers["Retry-After"]) >= 1
    assert caller.post(f"/operations/{operation.pk}/start", key=key).status == 200


def test_the_same_key_sent_twice_at_the_same_time_acts_once():
    works = plant()
    operation = works.operation(works.order(quantity=10))
    Doer(works.person()).start(operation)
    callers = Caller(works)
    key = uuid.uuid4()
    send = lambda: callers.post(f"/operations/{operation.pk}/report", {"good": 2}, key=key)  # noqa: E731
    answers = at_once(*[send] * 6)
    assert {answer.status for answer in answers} <= {200, 409}
    done = [answer.body for answer in answers if answer.status == 200]
    assert sum("replayed" not in body for body in done) == 1
    assert len({json.dumps(body | {"replayed": True}, sort_keys=True) for body in done}) == 1
    assert ProductionReport.objects.filter(operation=operation).count() == 1
    assert Event.objects.filter(command_id=key, name="operation.reported").count() == 1


def test_many_on_one_lot_never_take_more_than_there_is():
    works = plant()
    works.item("SEAL")
    lot = works.lot("SEAL", "S1", 7)
    operations = [
        works.operation(works.order(quantity=5, materials=[{"item": "SEAL", "quantity_per": "1"}])) for _ in range(3)
    ]
    caller = Caller(works)
    for operation in operations:
        caller.post(f"/operations/{operation.pk}/start")
    acts = [
        lambda operation=operation: caller.post(f"/operations/{operation.pk}/consume", {"lot": "S1", "quantity": 1})
        for operation in operations
        for _ in range(4)
    ]
    answers = at_once(*acts)
    taken = [answer for answer in answers if answer.status == 200]
    for answer in answers:
        assert answer.status in (200, 409, 422)
        if answer.status == 422:
            assert answer["reason"] == "lot_short"
    assert LotBalance.objects.get(lot=lot).quantity == 7 - len(taken) >= 0
    assert len(taken) >= min(7, 12 - sum(answer.status == 409 for answer in answers))
