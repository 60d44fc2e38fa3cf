"""The walk through the links against a walk in plain Python, on random graphs and on facts."""

import random
from decimal import Decimal

import pytest

from tests.builders import Doer, Plant, plant
from traceability.models import GenealogyLink, MaterialLot
from traceability.queries import trace, uses_without_lot

pytestmark = pytest.mark.django_db


@pytest.fixture
def works() -> Plant:
    return plant()


def reached(start: int, onward: dict[int, set[int]]) -> set[int]:
    found, todo = {start}, [start]
    while todo:
        for far in onward.get(todo.pop(), ()):
            if far not in found:
                found.add(far)
                todo.append(far)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_directions_reach_what_plain_python_reaches_and_are_one_relation(works, seed):
    chance = random.Random(seed)
    item, order = works.item("X"), works.order("X", released=False)
    lots = [
        lot.pk
        for lot in MaterialLot.objects.bulk_create(
            MaterialLot(site=works.site, item=item, number=f"L{place}", state="AVAILABLE") for place in range(80)
        )
    ]
    edges = {tuple(sorted(chance.sample(range(80), 2))) for _ in range(160)}
    GenealogyLink.objects.bulk_create(
        GenealogyLink(source_id=lots[a], target_id=lots[b], order=order, quantity=Decimal(1)) for a, b in edges
    )
    onward: dict[int, set[int]] = {}
    back: dict[int, set[int]] = {}
    for a, b in edges:
        onward.setdefault(lots[a], set()).add(lots[b])
        back.setdefault(lots[b], set()).add(lots[a])
    rows = {lot.pk: lot for lot in MaterialLot.objects.filter(pk__in=lots)}
    forward = {pk: {node.id for node in trace(rows[pk], "forward")[0]} for pk in lots}
    backward = {pk: {node.id for node in trace(rows[pk], "backward")[0]} for pk in lots}
    assert forward == {pk: reached(pk, onward) for pk in lots}
    assert backward == {pk: reached(pk, back) for pk in lots}
    assert {(a, b) for a in lots for b in forward[a]} == {(b2, b) for b in lots for b2 in backward[b]}


def test_material_in_work_is_shown_with_its_order_until_a_lot_is_made_of_it(works):
    works.item("RAW")
    raw = works.lot("RAW", "R1", 50)
    order = works.order("FG", quantity=5, materials=[{"item": "RAW", "quantity_per": "2", "operation": 10}])
    operation, hand = works.operation(order), Doer(works.person())
    hand.start(operation)
    taken = hand.consume(operation, "R1", 4)
    (use,) = uses_without_lot([raw.pk])
    assert (use.lot, use.order, use.state, use.quantity, use.unit) == (
        raw.pk,
        order.number,
        "RUNNING",
        Decimal(4),
        "pc",
    )
    hand.undo(taken)
    assert uses_without_lot([raw.pk]) == []
    hand.consume(operation, "R1", 10)
    hand.complete(operation, 5)
    assert uses_without_lot([raw.pk]) == []
    assert [node.depth for node in trace(raw, "forward")[0]] == [0, 1]


def test_material_of_a_product_without_lots_stays_visible_by_its_order(works):
    works.item("RAW")
    works.item("PLAIN", tracking="NONE")
    raw = works.lot("RAW", "R1", 50)
    order = works.order("PLAIN", quantity=5, materials=[{"item": "RAW", "quantity_per": "2", "operation": 10}])
    operation, hand = works.operation(order), Doer(works.person())
    hand.start(operation)
    hand.consume(operation, "R1", 10)
    hand.complete(operation, 5)
    assert [(use.order, use.state, use.quantity) for use in uses_without_lot([raw.pk])] == [
        (order.number, "DONE", Decimal(10))
    ]
