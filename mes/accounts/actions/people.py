"""People of a plant: take them in, let them go and come back, give them a new badge or PIN.

A PIN comes here hashed, so that neither a receipt nor an event ever holds it.
"""

import secrets
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from mes.accounts.models import ROLES, Badge, User
from mes.kernel.actors import PERSON, Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.events import emit
from mes.kernel.locking import lock_one
from mes.kernel.scope import current

PERSON_ADDED = "person.added"
PERSON_DEACTIVATED = "person.deactivated"
PERSON_REACTIVATED = "person.reactivated"
PIN_RESET = "person.pin_reset"
BADGE_ISSUED = "badge.issued"

#: No letters or digits that are easily taken for one another.
ALPHABET = "23456789BCDFGHJKLMNPQRSTVWXZ"
CODE_LENGTH = 6


def new_badge_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))


def _people(actor: Actor) -> "QuerySet[User]":
    return User.objects.filter(site_id=actor.site_id)


def _locked(actor: Actor, person_id: int) -> User:
    person = lock_one(_people(actor), "person", person_id)
    if person is None:
        raise Refused("not_found", what=_("Person"), number=person_id)
    return person


def _tell(name: str, person: User, **payload: Any) -> None:
    emit(
        name,
        subject=f"person:{person.pk}",
        label=f"person:{person.username}",
        payload={"person": person.pk, "username": person.username, "name": person.name, **payload},
        topics=[f"people:{person.site_id}"],
    )


def _issue(person: User) -> Badge:
    Badge.objects.filter(user=person, revoked_at__isnull=True).update(revoked_at=current().now)
    return Badge.objects.create(user=person, code=new_badge_code())


@command
def add_person(
    *, actor: Actor, name: str, username: str, role: str, language: str = "en", pin_hash: str, command_id: UUID
) -> User:
    """A new person with a badge, at the actor's plant. Signs in at terminals; a desk password is set elsewhere.

    Raises `invalid` for a missing name, a user name that is taken, or an unknown role.
    """
    name, username = name.strip(), username.strip().lower()
    if not name or len(name) > 120:
        raise Refused("invalid", field=_("Name"), why=_("1 to {limit} characters are needed").format(limit=120))
    if not username or len(username) > 60 or not username.isprintable() or " " in username:
        why = _("1 to {limit} characters without spaces are needed").format(limit=60)
        raise Refused("invalid", field=_("User name"), why=why)
    if role not in dict(ROLES):
        raise Refused("invalid", field=_("Role"), why=_("choose one of the roles"))
    if User.objects.filter(username=username).exists():
        raise Refused("invalid", field=_("User name"), why=_("somebody has this user name already"))
    person = User.objects.create_user(
        username, None, name=name, role=role, site_id=actor.site_id, language=language, pin=pin_hash
    )
    _issue(person)
    _tell(PERSON_ADDED, person, role=role)
    return person


@command
def deactivate_person(*, actor: Actor, person_id: int, command_id: UUID) -> User:
    """The person can sign in nowhere any more; badge and sessions end at once. What they did stays theirs.

    Raises `not_found`, and `not_oneself` for one's own account.
    """
    person = _locked(actor, person_id)
    if actor.kind == PERSON and actor.id == person.pk:
        raise Refused("not_oneself")
    person.is_active = False
    person.save(update_fields=["is_active"])
    Badge.objects.filter(user=person, revoked_at__isnull=True).update(revoked_at=current().now)
    _tell(PERSON_DEACTIVATED, person)
    return person


@command
def reactivate_person(*, actor: Actor, person_id: int, command_id: UUID) -> User:
    """The person may sign in again, with a new badge: the old one stays void."""
    person = _locked(actor, person_id)
    person.is_active = True
    person.save(update_fields=["is_active"])
    _issue(person)
    _tell(PERSON_REACTIVATED, person)
    return person


@command
def reset_pin(*, actor: Actor, person_id: int, pin_hash: str, command_id: UUID) -> User:
    """A new PIN, and the end of a lock after wrong ones. Whoever signed in with the old one is signed out."""
    person = _locked(actor, person_id)
    person.pin, person.failed_pins, person.locked_until = pin_hash, 0, None
    person.save(update_fields=["pin", "failed_pins", "locked_until"])
    _tell(PIN_RESET, person)
    return person


@command
def issue_badge(*, actor: Actor, person_id: int, command_id: UUID) -> Badge:
    """A new badge with a random code; the old one is void from now on. Raises `not_found`, `person_inactive`."""
    person = _locked(actor, person_id)
    if not person.is_active:
        raise Refused("person_inactive", name=person.name)
    badge = _issue(person)
    _tell(BADGE_ISSUED, person, badge=badge.pk)
    return badge
