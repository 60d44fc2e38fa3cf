"""The demo plant: loaded through the actions, rich in all states, consistent, and moving by itself."""

import pytest
from django.core.management import call_command

from mes.demo.shift import Shift
from mes.demo.story import demo_site
from mes.kernel.invariants import violations
from mes.kernel.models import Event
from workorders.models import Operation, WorkOrder

pytestmark = pytest.mark.django_db


def test_the_demo_plant_has_orders_in_all_states_and_its_shift_moves_them(capsys):
    call_command("load_demo_plant")
    found = set(WorkOrder.objects.values_list("state", flat=True))
    assert found == {"RECEIVED", "PLANNED", "RELEASED", "RUNNING", "DONE", "CLOSED", "CANCELLED"}
    assert WorkOrder.objects.count() >= 30
    assert Operation.objects.filter(state="RUNNING").count() >= 8
    assert violations() == []
    before = Event.objects.count()
    Shift(demo_site(), seed=3).run(rounds=6)
    assert Event.objects.filter(name="operation.reported").count() > 0
    assert Event.objects.count() > before
    assert violations() == []
    call_command("load_demo_plant")
    call_command("list_demo_people")
    printed = capsys.readouterr().out
    assert "badge B-7Q2M9X-" in printed
    assert "PIN 1234" in printed
