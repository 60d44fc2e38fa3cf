"""The events of people, badges and terminals: their names, and how they are told."""

from typing import Any

from mes.accounts.models import Terminal, User
from mes.kernel.events import emit

PERSON_ADDED = "person.added"
PERSON_CHANGED = "person.changed"
PERSON_DEACTIVATED = "person.deactivated"
PERSON_REACTIVATED = "person.reactivated"
PIN_RESET = "person.pin_reset"
PASSWORD_SET = "person.password_set"  # noqa: S105 - the name of an event
BADGE_ISSUED = "badge.issued"
TERMINAL_REVOKED = "terminal.revoked"


def person_event(name: str, person: User, **payload: Any) -> None:
    """An event on the chain of PERSON. No payload ever holds a PIN, a password or a badge's code."""
    emit(
        name,
        subject=f"person:{person.pk}",
        label=f"person:{person.username}",
        payload={"person": person.pk, "username": person.username, "name": person.name, **payload},
        topics=[f"people:{person.site_id}"],
    )


def terminal_event(name: str, terminal: Terminal) -> None:
    """An event on the chain of an enrolled terminal."""
    emit(
        name,
        subject=f"terminal:{terminal.pk}",
        label=f"terminal:{terminal.name}",
        payload={"terminal": terminal.pk, "name": terminal.name},
        topics=[f"people:{terminal.site_id}"],
    )
