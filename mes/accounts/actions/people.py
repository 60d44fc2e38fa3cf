"""People of a plant: take them in, change them, let them go and come back, give them a badge, a PIN, a password.

PIN and password come here hashed, so that neither a receipt nor an event ever holds them.
"""

import contextlib
import secrets
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from mes.accounts.events import (
    BADGE_ISSUED,
    PASSWORD_SET,
    PERSON_ADDED,
    PERSON_CHANGED,
    PERSON_DEACTIVATED,
    PERSON_REACTIVATED,
    PIN_RESET,
    person_event,
)
from mes.accounts.models import ROLES, Badge, User
from mes.kernel import scanning
from mes.kernel.actors import PERSON, Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.locking import lock, lock_one
from mes.kernel.scope import current

#: No letters or digits that are easily taken for one another.
ALPHABET = "23456789BCDFGHJKLMNPQRSTVWXZ"
CODE_LENGTH = 6


def new_badge_code() -> str:
    """A random code that a bar code can carry; the rare one that reads as two codes in a row is left out."""
    while True:
        code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
        with contextlib.suppress(scanning.NotEncodable):
            scanning.make_code(scanning.Kind.BADGE, code)
            return code


def _people(actor: Actor) -> "QuerySet[User]":
    return User.objects.filter(site_id=actor.site_id)


def _locked(actor: Actor, person_id: int) -> User:
    person = lock_one(_people(actor), "person", person_id)
    if person is None:
        raise Refused("not_found", what=_("Person"), number=person_id)
    return person


def _issue(person: User) -> Badge:
    Badge.objects.filter(user=person, revoked_at__isnull=True).update(revoked_at=current().now)
    return Badge.objects.create(user=person, code=new_badge_code())


def _checked(name: str, role: str, language: str) -> str:
    """The NAME as it is kept. Raises `invalid`."""
    name = name.strip()
    if not name or len(name) > 120 or not name.isprintable():
        raise Refused("invalid", field=_("Name"), why=_("1 to {limit} characters are needed").format(limit=120))
    if role not in dict(ROLES):
        raise Refused("invalid", field=_("Role"), why=_("choose one of the roles"))
    if language not in dict(settings.LANGUAGES):
        raise Refused("invalid", field=_("Language"), why=_("choose one of the languages"))
    return name


def _locked_among_admins(actor: Actor, person_id: int) -> tuple[User, list[User]]:
    """The person, and the other active administrators of the site, all locked: two who take the right from each other
    at once must not both succeed.
    """
    rows = lock(_people(actor).filter(Q(pk=person_id) | Q(role="admin", is_active=True)), "person")
    person = next((row for row in rows if row.pk == person_id), None)
    if person is None:
        raise Refused("not_found", what=_("Person"), number=person_id)
    return person, [row for row in rows if row.pk != person_id]


def _require_an_admin_left(person: User, others: list[User]) -> None:
    if person.role == "admin" and person.is_active and not others:
        raise Refused("last_admin", name=person.name)


@command
def add_person(
    *, actor: Actor, name: str, username: str, role: str, language: str = "en", pin_hash: str, command_id: UUID
) -> User:
    """A new person with a badge, at the actor's plant. Signs in at terminals; a desk password is set elsewhere.

    Raises `invalid` for a missing name, a user name that is taken, or an unknown role.
    """
    name, username = _checked(name, role, language), username.strip().lower()
    if not username or len(username) > 60 or not username.isprintable() or " " in username:
        why = _("1 to {limit} characters without spaces are needed").format(limit=60)
        raise Refused("invalid", field=_("User name"), why=why)
    if User.objects.filter(username=username).exists():
        raise Refused("invalid", field=_("User name"), why=_("somebody has this user name already"))
    person = User.objects.create_user(
        username, None, name=name, role=role, site_id=actor.site_id, language=language, pin=pin_hash
    )
    _issue(person)
    person_event(PERSON_ADDED, person, role=role)
    return person


@command
def change_person(*, actor: Actor, person_id: int, name: str, role: str, language: str, command_id: UUID) -> User:
    """Another name, role or language. The role counts from the next click on; the user name stays.

    Raises `not_found`, `invalid`, `own_role` for one's own role, and `last_admin`.
    """
    person, others = _locked_among_admins(actor, person_id)
    values = {"name": _checked(name, role, language), "role": role, "language": language}
    changed = {field: value for field, value in values.items() if getattr(person, field) != value}
    if "role" in changed:
        if actor.kind == PERSON and actor.id == person.pk:
            raise Refused("own_role")
        _require_an_admin_left(person, others)
    before = {field: getattr(person, field) for field in changed}
    for field, value in changed.items():
        setattr(person, field, value)
    if changed:
        person.save(update_fields=list(changed))
        person_event(PERSON_CHANGED, person, values=changed, before=before)
    return person


@command
def set_password(*, actor: Actor, person_id: int, password_hash: str, command_id: UUID) -> User:
    """A password for the desk, or another one; whoever is signed in with the old one is signed out.

    Raises `not_found`, `person_inactive`.
    """
    person = _locked(actor, person_id)
    if not person.is_active:
        raise Refused("person_inactive", name=person.name)
    person.password = password_hash
    person.save(update_fields=["password"])
    person_event(PASSWORD_SET, person)
    return person


@command
def deactivate_person(*, actor: Actor, person_id: int, command_id: UUID) -> User:
    """The person can sign in nowhere any more; badge and sessions end at once. What they did stays theirs.

    Raises `not_found`, `not_oneself` for one's own account, and `last_admin`.
    """
    person, others = _locked_among_admins(actor, person_id)
    if actor.kind == PERSON and actor.id == person.pk:
        raise Refused("not_oneself")
    _require_an_admin_left(person, others)
    person.is_active = False
    person.save(update_fields=["is_active"])
    Badge.objects.filter(user=person, revoked_at__isnull=True).update(revoked_at=current().now)
    person_event(PERSON_DEACTIVATED, person)
    return person


@command
def reactivate_person(*, actor: Actor, person_id: int, command_id: UUID) -> User:
    """The person may sign in again, with a new badge: the old one stays void."""
    person = _locked(actor, person_id)
    person.is_active = True
    person.save(update_fields=["is_active"])
    _issue(person)
    person_event(PERSON_REACTIVATED, person)
    return person


@command
def reset_pin(*, actor: Actor, person_id: int, pin_hash: str, command_id: UUID) -> User:
    """A new PIN, and the end of a lock after wrong ones. Whoever signed in with the old one is signed out."""
    person = _locked(actor, person_id)
    person.pin, person.failed_pins, person.locked_until = pin_hash, 0, None
    person.save(update_fields=["pin", "failed_pins", "locked_until"])
    person_event(PIN_RESET, person)
    return person


@command
def issue_badge(*, actor: Actor, person_id: int, command_id: UUID) -> Badge:
    """A new badge with a random code; the old one is void from now on. Raises `not_found`, `person_inactive`."""
    person = _locked(actor, person_id)
    if not person.is_active:
        raise Refused("person_inactive", name=person.name)
    badge = _issue(person)
    person_event(BADGE_ISSUED, person, badge=badge.pk)
    return badge
