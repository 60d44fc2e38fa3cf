"""Acts of a page: which ones its buttons offer, why one is not offered, and the form of the one that is open.

Whether an act is allowed is decided by the action itself; a button only spares the way there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from mes.accounts.policies import matrix
from mes.kernel.errors import Refused
from mes.screens.desk.pages import refusal_context
from mes.screens.desk.words import ROLES
from workorders.models import Reason


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an act's form. `kind`: text, number, choice, date, time, moment (day and time), secret, weekdays;
    `reasons`: which of the plant's reasons.
    """

    name: str
    label: StrOrPromise
    kind: str = "text"
    required: bool = False
    choices: tuple[tuple[str, StrOrPromise], ...] = ()
    hint: StrOrPromise = ""
    value: str = ""
    unit: str = ""
    reasons: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done with what the page shows. `right` is its row in the matrix."""

    key: str
    label: StrOrPromise
    icon: str
    right: str
    title: StrOrPromise = ""
    text: StrOrPromise = ""
    fields: tuple[Field, ...] = ()
    #: Done at once by its button, without a form.
    direct: bool = False
    weight: int = 2


@dataclass(frozen=True, slots=True)
class Button:
    """An act as a button: allowed, or with the reason why not."""

    act: Act
    allowed: bool
    why_not: str = ""


@dataclass(slots=True)
class Panel:
    """The open form of an act, with what was typed and the refusal it met."""

    act: Act
    site_id: int
    values: dict[str, str] = field(default_factory=dict)
    refusal: dict[str, Any] | None = None
    command_id: str = ""

    @property
    def fields(self) -> list[tuple[Field, str]]:
        return [(self._filled(one), self.values.get(one.name, one.value)) for one in self.act.fields]

    def _filled(self, one: Field) -> Field:
        return replace(one, choices=reason_choices(self.site_id, one.reasons)) if one.reasons else one


def buttons(acts: Iterable[Act], role: str) -> list[Button]:
    """The acts as buttons of a person in ROLE, the most wanted first."""
    found = [
        Button(act, role in matrix().get(act.right, frozenset()), who_may(act.right))
        for act in sorted(acts, key=lambda act: act.weight)
    ]
    return [one if not one.allowed else Button(one.act, True) for one in found]


def who_may(right: str) -> str:
    """The roles that may, in a sentence."""
    roles = [str(name) for code, name in ROLES.items() if code in matrix().get(right, frozenset())]
    return _("This may be done by: {roles}.").format(roles=", ".join(roles))


def reason_choices(site_id: int, kind: str) -> tuple[tuple[str, str], ...]:
    rows = Reason.objects.filter(site_id=site_id, kind=kind, is_active=True).order_by("sequence", "code")
    return tuple(rows.values_list("code", "text"))


def panel_of(
    act: Act | None, site_id: int, typed: QueryDict | None = None, refusal: Refused | None = None
) -> Panel | None:
    """The form of ACT with what was TYPED kept; after a busy answer with the same command id, too."""
    if act is None:
        return None
    panel = Panel(act, site_id)
    if typed is not None:
        panel.values = {one.name: typed.get(one.name, "")[:500] for one in act.fields}
    if refusal is not None:
        panel.refusal = refusal_context(refusal)
        panel.command_id = (typed or QueryDict()).get("command_id", "") if panel.refusal["same_id"] else ""
    return panel


def find(acts: Iterable[Act], key: str) -> Act | None:
    return next((act for act in acts if act.key == key), None)
