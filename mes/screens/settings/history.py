"""What happened to a person, a terminal or a master record, in words, from its chain of events."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from mes.accounts import events as people
from mes.kernel.models import Event
from mes.screens.desk.timeline import Line
from workorders import events

SHOWN = 20
#: Event → (sign, words).
_WORDS: dict[str, tuple[str, StrOrPromise]] = {
    people.PERSON_ADDED: ("user-plus", gettext_lazy("Added")),
    people.PERSON_CHANGED: ("pencil", gettext_lazy("Changed")),
    people.PERSON_DEACTIVATED: ("ban", gettext_lazy("Deactivated")),
    people.PERSON_REACTIVATED: ("rotate-ccw", gettext_lazy("Reactivated, with a new badge")),
    people.PIN_RESET: ("key-round", gettext_lazy("New PIN")),
    people.PASSWORD_SET: ("lock", gettext_lazy("Password set")),
    people.BADGE_ISSUED: ("id-card", gettext_lazy("New badge")),
    events.MASTERDATA_ADDED: ("plus", gettext_lazy("Added")),
    events.MASTERDATA_CHANGED: ("pencil", gettext_lazy("Changed")),
    events.HOLD_PLACED: ("octagon-pause", gettext_lazy("Put on hold")),
    events.HOLD_RELEASED: ("play", gettext_lazy("Hold lifted")),
}


#: Chains whose lines stand among those of their item.
_VERSIONS: dict[str, StrOrPromise] = {
    "bom": gettext_lazy("Components"),
    "routing": gettext_lazy("Steps"),
}


def history(*subjects: str) -> list[Line]:
    """The latest events of SUBJECTS, newest first. One query."""
    found = Event.objects.filter(subject__in=subjects).order_by("-id")[:SHOWN]
    return [_line(event) for event in found]


def _line(event: Event) -> Line:
    icon, words = _WORDS.get(event.name, ("info", event.name))
    kind = event.subject.partition(":")[0]
    named = f"{_VERSIONS[kind]} {event.payload['values'].get('version', '')}" if kind in _VERSIONS else ""
    text = " · ".join(part.strip() for part in (named, str(words), _what(event.payload)) if part)
    return Line(event.pk, event.occurred_at, event.recorded_at, icon, "", text, event.actor_name)


def _what(payload: Mapping[str, Any]) -> str:
    """The values that changed, each with what it was before."""
    before, values = payload.get("before") or {}, payload.get("values") or {}
    if not before:
        return ""
    return ", ".join(
        _("{field}: {old} → {new}").format(field=name, old=_said(before.get(name)), new=_said(value))
        for name, value in values.items()
    )


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value in (None, "") else str(value)[:80]
