"""Who lifts a hold: the one who placed it, those over him, and for quality's own only quality."""

import pytest

from mes.kernel.errors import Refused
from tests.builders import command_id, plant
from workorders.actions.holds import place_hold, release_hold

pytestmark = pytest.mark.django_db


def test_an_operator_lifts_his_own_hold_and_no_other_persons():
    works = plant()
    order = works.order()
    ana, ben = works.person(name="ana"), works.person(name="ben")

    def hold(actor):
        return place_hold(actor=actor, target="order", target_id=order.pk, reason="CHECK", command_id=command_id()).pk

    def lift(actor, pk):
        return release_hold(actor=actor, hold_id=pk, command_id=command_id())

    assert lift(ana, hold(ana)).released_by_name == "Ana"
    hers = hold(ana)
    with pytest.raises(Refused) as refused:
        lift(ben, hers)
    assert (refused.value.code, refused.value.reason) == ("forbidden", "hold_of_another")
    assert "Ana" in refused.value.message
    assert lift(works.person("lead"), hers).released_by_name == "Lead"
    by_quality = hold(works.person("quality"))
    for role in ("operator", "lead", "supervisor"):
        with pytest.raises(Refused) as refused:
            lift(works.person(role), by_quality)
        assert refused.value.reason == "hold_not_yours"
    assert lift(works.person("quality"), by_quality).released_at is not None


def test_a_service_has_no_hold_of_its_own():
    works = plant()
    order = works.order()
    machine = works.service("operator")
    found = place_hold(actor=machine, target="order", target_id=order.pk, reason="CHECK", command_id=command_id())
    with pytest.raises(Refused) as refused:
        release_hold(actor=machine, hold_id=found.pk, command_id=command_id())
    assert refused.value.reason == "hold_of_another"
