"""The actions on people: what they leave behind, what they refuse, what nobody can take from the plant."""

import pytest

from mes.accounts.actions import people
from mes.accounts.badges import hashed_pin, identify, prove
from mes.accounts.models import ROLES, Badge, User
from mes.accounts.passwords import hashed_password
from mes.accounts.policies import may
from mes.kernel.errors import Refused
from mes.kernel.models import CommandReceipt, Event
from mes.kernel.scanning import Kind, make_code
from tests.builders import Plant, command_id, plant

PIN = "2468"


def add(works: Plant, **fields):
    values = {"name": "Zoe", "username": f"{works.prefix}-zoe", "role": "operator", "language": "de", **fields}
    return people.add_person(
        actor=works.person("admin"),
        pin_hash=hashed_pin(PIN),
        command_id=fields.pop("command_id", command_id()),
        **values,
    )


def events_of(person: User) -> list[str]:
    return list(Event.objects.filter(subject=f"person:{person.pk}").order_by("seq").values_list("name", flat=True))


def reason_of(call) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.reason


def test_a_new_person_has_a_badge_and_signs_in_at_terminals_only(works):
    zoe = add(works)
    assert (zoe.role, zoe.language, zoe.site_id) == ("operator", "de", works.site.pk)
    assert not zoe.has_usable_password()
    badge = Badge.objects.get(user=zoe, revoked_at__isnull=True)
    assert identify(badge.code, works.site.pk) == zoe
    assert identify(make_code(Kind.BADGE, badge.code), works.site.pk) == zoe
    assert prove(zoe.pk, PIN) == zoe
    assert events_of(zoe) == ["person.added"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"name": " "}, "Name"),
        ({"name": "x" * 121}, "Name"),
        ({"name": "Z\u202eoe"}, "Name"),
        ({"name": "Z\0oe"}, "Name"),
        ({"username": "two words"}, "User name"),
        ({"username": ""}, "User name"),
        ({"username": "a\tb"}, "User name"),
        ({"role": "king"}, "Role"),
        ({"language": "tlh"}, "Language"),
    ],
)
def test_a_person_that_cannot_be_added_says_why(works, wrong, why):
    with pytest.raises(Refused) as refused:
        add(works, **wrong)
    assert refused.value.reason == "invalid"
    assert why in refused.value.message


def test_a_user_name_is_given_once_whatever_its_letters(works):
    add(works)
    with pytest.raises(Refused) as refused:
        add(works, username=f"{works.prefix}-ZOE")
    assert "somebody has this user name already" in refused.value.message


def test_the_same_form_sent_twice_adds_one_person(works):
    same = command_id()
    pin = hashed_pin(PIN, same.hex)
    fields = {"name": "Zoe", "username": f"{works.prefix}-twice", "role": "lead", "language": "en"}
    first = people.add_person(actor=works.person("admin"), pin_hash=pin, command_id=same, **fields)
    again = people.add_person(
        actor=works.person("admin"), pin_hash=hashed_pin(PIN, same.hex), command_id=same, **fields
    )
    assert again == {"id": first.pk}
    assert User.objects.filter(username=fields["username"].lower()).count() == 1


def test_neither_pin_nor_password_is_kept_in_receipts_or_events(works):
    zoe = add(works)
    people.reset_pin(
        actor=works.person("admin"), person_id=zoe.pk, pin_hash=hashed_pin("97531"), command_id=command_id()
    )
    people.set_password(
        actor=works.person("admin"),
        person_id=zoe.pk,
        password_hash=hashed_password("correct horse"),
        command_id=command_id(),
    )
    kept = "".join(str(row.outcome) for row in CommandReceipt.objects.filter(site_id=works.site.pk))
    kept += "".join(row.canonical for row in Event.objects.filter(site_id=works.site.pk))
    zoe.refresh_from_db()
    for secret in (PIN, "97531", "correct horse", zoe.pin, zoe.password, zoe.badges.get().code):
        assert secret not in kept
    assert zoe.check_password("correct horse")


def test_a_leaver_is_out_at_once_and_comes_back_with_another_badge(works):
    zoe, admin = add(works), works.person("admin")
    old = zoe.badges.get().code
    people.deactivate_person(actor=admin, person_id=zoe.pk, command_id=command_id())
    zoe.refresh_from_db()
    assert not zoe.is_active
    assert reason_of(lambda: identify(old, works.site.pk)) == "badge_unknown"
    assert reason_of(lambda: people.issue_badge(actor=admin, person_id=zoe.pk, command_id=command_id())) == (
        "person_inactive"
    )
    refused = reason_of(
        lambda: people.set_password(actor=admin, person_id=zoe.pk, password_hash="x", command_id=command_id())
    )
    assert refused == "person_inactive"
    people.reactivate_person(actor=admin, person_id=zoe.pk, command_id=command_id())
    new = zoe.badges.get(revoked_at__isnull=True).code
    assert new != old
    assert identify(new, works.site.pk) == zoe
    assert reason_of(lambda: identify(old, works.site.pk)) == "badge_unknown"
    assert events_of(zoe) == ["person.added", "person.deactivated", "person.reactivated"]


def test_a_new_badge_voids_the_old_one_and_a_code_never_comes_again(works):
    zoe, admin = add(works), works.person("admin")
    codes = {zoe.badges.get().code}
    for _turn in range(5):
        codes.add(people.issue_badge(actor=admin, person_id=zoe.pk, command_id=command_id()).code)
    assert len(codes) == 6
    assert zoe.badges.filter(revoked_at__isnull=True).count() == 1
    assert zoe.badges.count() == 6


def test_another_role_counts_at_once_and_tells_what_it_was(works):
    zoe = add(works)
    changed = {"name": "Zoë", "role": "lead", "language": "en"}
    people.change_person(actor=works.person("admin"), person_id=zoe.pk, command_id=command_id(), **changed)
    event = Event.objects.filter(subject=f"person:{zoe.pk}", name="person.changed").get()
    assert event.payload["values"] == changed
    assert event.payload["before"] == {"name": "Zoe", "role": "operator", "language": "de"}
    people.change_person(actor=works.person("admin"), person_id=zoe.pk, command_id=command_id(), **changed)
    assert events_of(zoe) == ["person.added", "person.changed"]


def test_nobody_changes_their_own_role_or_deactivates_themselves(works):
    admin = works.person("admin")
    works.person("admin", "other")

    def change(role: str):
        return people.change_person(
            actor=admin, person_id=admin.id, name="Me", role=role, language="en", command_id=command_id()
        )

    assert reason_of(lambda: change("auditor")) == "own_role"
    assert change("admin").name == "Me"
    refused = reason_of(lambda: people.deactivate_person(actor=admin, person_id=admin.id, command_id=command_id()))
    assert refused == "not_oneself"


def test_the_last_administrator_of_a_plant_stays(works):
    admin = works.person("admin")
    refused = reason_of(
        lambda: people.deactivate_person(actor=works.system, person_id=admin.id, command_id=command_id())
    )
    assert refused == "last_admin"

    def demote():
        return people.change_person(
            actor=works.system, person_id=admin.id, name="A", role="lead", language="en", command_id=command_id()
        )

    assert reason_of(demote) == "last_admin"
    works.person("admin", "other")
    assert demote().role == "lead"


@pytest.mark.parametrize("role", [code for code, _name in ROLES])
def test_only_system_administrators_manage_people(works, role):
    zoe = add(works)

    def reset():
        actor = works.person(role, f"one-{role}")
        people.reset_pin(actor=actor, person_id=zoe.pk, pin_hash=hashed_pin("1111"), command_id=command_id())

    if role == "admin":
        reset()
    else:
        assert reason_of(reset) == "forbidden"
    for action in ("add_person", "change_person", "deactivate_person", "issue_badge", "set_password"):
        assert may(role, action) == (role == "admin")


def test_people_of_another_plant_are_not_there(works):
    zoe = add(works)
    elsewhere = plant().person("admin")
    for act in (people.deactivate_person, people.reactivate_person, people.issue_badge):
        assert reason_of(lambda act=act: act(actor=elsewhere, person_id=zoe.pk, command_id=command_id())) == "not_found"
    assert User.objects.get(pk=zoe.pk).is_active
