"""Each registered invariant is attacked where what keeps it is gone: its query, and only its, must see the damage."""

import pytest

from mes.kernel.invariants import INVARIANTS, violations
from tests.kernel import attacks_on_machines, attacks_on_material  # noqa: F401 - their attacks register themselves
from tests.kernel.attacks import ATTACKS, story

pytestmark = pytest.mark.django_db


def test_every_invariant_has_its_attack():
    assert set(ATTACKS) == set(INVARIANTS)


@pytest.mark.parametrize("code", ATTACKS)
def test_damage_is_found_by_the_invariant_it_breaks_and_by_no_other(code, as_owner):
    morning = story(as_owner)
    assert violations() == []
    ATTACKS[code](morning)
    found = violations()
    assert {violation.code for violation in found} == {code}
    assert all(violation.text for violation in found)
