"""The guide to cutting over is sent as it stands, block by block, and leaves a plant that can go on."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from mes.kernel.invariants import violations
from tests.api.client import Answer, Caller
from tests.builders import plant
from traceability.models import LotBalance
from workorders.models import Operation, WorkOrder

pytestmark = pytest.mark.django_db
GUIDE = Path(__file__).parents[2] / "docs" / "cut-over.md"
BLOCK = re.compile(r"^```http\nPOST (/api/v1/[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPERATION = re.compile(r"\{operation (\d+) of (\S+)\}")


def sent(caller: Caller, path: str, body: str) -> Answer:
    def identified(match: re.Match[str]) -> str:
        found = Operation.objects.get(order__site=caller.plant.site, order__number=match[2], sequence=match[1])
        return str(found.pk)

    return caller.post(OPERATION.sub(identified, path), json.loads(body))


def test_every_block_of_the_guide_is_taken_and_the_plant_is_as_it_says() -> None:
    works = plant()
    caller = Caller(works, "admin")
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) >= 14
    for path, body in blocks:
        answer = sent(caller, path, body)
        assert answer.status in (200, 201), (path, answer.body)
        for row in answer.body.get("results", []):
            assert row["outcome"] == "created", (path, row)
            assert row.get("blockers", []) == [], (path, row)

    stock = dict(LotBalance.objects.filter(lot__site=works.site).values_list("lot__number", "quantity"))
    assert stock["CO-B-2210"] == Decimal(108)
    assert stock["CO-B-2218"] == Decimal(48)
    open_work = {
        (op.order.number, op.sequence): op.arrived
        for op in Operation.objects.filter(order__site=works.site, state="READY").select_related("order")
    }
    assert open_work == {
        ("CO-2001", 10): 50,
        ("CO-1977-A", 10): 60,
        ("CO-1977-B", 20): 40,
        ("CO-1980", 20): 30,
    }
    assert set(WorkOrder.objects.filter(site=works.site).values_list("number", "state")) == {
        ("CO-2001", "RELEASED"),
        ("CO-1977-A", "RELEASED"),
        ("CO-1977-B", "RELEASED"),
        ("CO-1980", "RUNNING"),
    }
    assert violations() == []


def test_sending_the_master_data_and_the_opening_stock_again_changes_nothing() -> None:
    works = plant()
    caller = Caller(works, "admin")
    again = [block for block in BLOCK.findall(GUIDE.read_text(encoding="utf-8")) if block[0].count("/") == 3][:5]
    assert [path for path, _body in again][-1] == "/api/v1/lots"
    for path, body in again * 2:
        answer = sent(caller, path, body)
        outcomes = {row["outcome"] for row in answer["results"]}
        assert outcomes <= {"created", "unchanged"}, (path, answer.body)
    assert outcomes == {"unchanged"}
