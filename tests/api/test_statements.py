"""How many statements a completion takes between BEGIN and COMMIT, whatever the number of lots that went in."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mes.kernel.invariants import violations
from tests.api.client import Caller, badge_of
from tests.builders import Doer, plant
from traceability.models import GenealogyLink, LotBalance

MOST = 20


@pytest.mark.committed_db
@pytest.mark.parametrize("by_person", [True, False])
def test_a_completion_takes_at_most_twenty_statements_with_three_lots_and_with_thirty(by_person):
    counts = {}
    for lots in (3, 30):
        works = plant()
        caller = Caller(works)
        works.item("SEAL")
        order = works.order(quantity=5, materials=[{"item": "SEAL", "quantity_per": "6"}])
        operation = works.operation(order)
        hand = Doer(works.person() if by_person else works.service())
        hand.start(operation)
        for number in range(lots):
            works.lot("SEAL", f"S{number}", 5)
            hand.consume(operation, f"S{number}", 1)
        sent = {"good": 5} | ({"badge": badge_of(works)} if by_person else {})
        with CaptureQueriesContext(connection) as seen:
            answer = caller.post(f"/operations/{operation.pk}/complete", sent)
        assert (answer.status, answer["state"]) == (200, "COMPLETED"), answer.body
        assert GenealogyLink.objects.filter(order=order).count() == lots
        assert LotBalance.objects.get(lot__number=order.number, lot__site=works.site).quantity == 5
        texts = [query["sql"] for query in seen]
        begin, end = texts.index("BEGIN"), texts.index("COMMIT")
        counts[lots] = [text[:110] for text in texts[begin + 1 : end]]
    assert len(counts[3]) == len(counts[30]), counts
    assert len(counts[3]) <= MOST, "\n".join(counts[3])
    assert violations() == []
