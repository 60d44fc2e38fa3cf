"""The frame of every settings page: its sections, and forms whose refusals name the fields as the page does."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mes.accounts.policies import may
from mes.kernel.errors import Refused
from mes.screens.desk.acts import Act, Panel
from mes.screens.desk.pages import refusal_context, site_of

YES_NO = (("yes", _("Yes")), ("no", _("No")))
LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Section:
    """One entry of the settings' own navigation."""

    path: str
    label: StrOrPromise
    icon: str
    says: StrOrPromise = ""


@dataclass(frozen=True, slots=True)
class Group:
    label: StrOrPromise
    sections: tuple[Section, ...]


GROUPS = (
    Group(
        _("Plant"),
        (
            Section("/settings/first-steps/", _("First steps"), "flag", _("What a plant needs until its first order.")),
            Section("/settings/work-centers/", _("Work centers"), "factory", _("Machines, lines and benches.")),
            Section("/settings/work-units/", _("Work units"), "cog", _("Equal places within a work center.")),
            Section("/settings/areas/", _("Areas"), "layers", _("Parts of the plant, in walking order.")),
            Section("/settings/locations/", _("Storage locations"), "warehouse", _("Where material lies.")),
            Section("/settings/shifts/", _("Shifts and holidays"), "calendar", _("When the plant works.")),
            Section("/settings/reasons/", _("Reasons"), "list", _("Why something was scrapped, held or stopped.")),
        ),
    ),
    Group(
        _("Products"),
        (
            Section("/settings/items/", _("Items"), "package", _("What is made, with its components and steps.")),
            Section("/settings/units/", _("Units"), "ruler", _("What quantities are counted in.")),
            Section("/settings/conversions/", _("Conversions"), "replace", _("Exact ratios between two units.")),
            Section("/settings/import/", _("Import"), "upload", _("Items, components, steps and orders as CSV.")),
        ),
    ),
    Group(
        _("Access"),
        (
            Section("/settings/people/", _("People"), "users", _("Roles, badges, PINs and languages.")),
            Section("/settings/terminals/", _("Terminals"), "monitor", _("The browsers on the floor.")),
            Section("/settings/network/", _("Network"), "wifi", _("How terminals reach this server.")),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a list. `kind`: text, id, number, chip; a chip has a `state`."""

    text: StrOrPromise
    kind: str = "text"
    state: str = ""
    url: str = ""
    sub: StrOrPromise = ""


def in_use(is_active: bool) -> Cell:
    """Whether a record is in use, as the chip of a list."""
    return Cell(_("in use"), "chip", "run") if is_active else Cell(_("closed"), "chip", "idle")


def page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """A page within the frame."""
    frame = {"groups": GROUPS, "here": request.path, "site": site_of(request)}
    return render(request, template, frame | context, status=status)


def role_of(request: HttpRequest) -> str:
    return str(getattr(request.user, "role", ""))


def role_may(request: HttpRequest, action: str) -> bool:
    return may(role_of(request), action)


def typed_of(act: Act, posted: QueryDict) -> dict[str, str]:
    """What was typed into the form of ACT; of several boxes, their values side by side."""
    return {
        one.name: " ".join(posted.getlist(one.name))[:LONGEST]
        if one.kind == "weekdays"
        else posted.get(one.name, "").strip()[:LONGEST]
        for one in act.fields
    }


def panel(request: HttpRequest, act: Act, values: dict[str, str], refusal: Refused | None = None) -> Panel:
    """The form of ACT with VALUES; after a busy answer with the same command id. Secrets are typed again."""
    made = Panel(act, site_of(request).pk)
    made.values = {one.name: values[one.name] for one in act.fields if one.name in values and one.kind != "secret"}
    if refusal is not None:
        made.refusal = refusal_context(named(refusal, act))
        made.command_id = request.POST.get("command_id", "") if made.refusal["same_id"] else ""
    return made


def named(refusal: Refused, act: Act) -> Refused:
    """The refusal with the field called as the form calls it."""
    labels = {one.name: one.label for one in act.fields}
    if refusal.facts.get("field") in labels:
        refusal.facts["field"] = labels[refusal.facts["field"]]
    return refusal


def whole(text: str | None) -> int | None:
    """A row's id from an address or a form."""
    text = text or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def searched(request: HttpRequest) -> str:
    """What the list is searched for, without what cannot be stored anyway."""
    return "".join(char for char in request.GET.get("q", "") if char.isprintable()).strip()[:64]


def choices(rows: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Codes and names as the choices of a field."""
    return tuple((code, f"{code} · {name}" if name and name != code else code) for code, name in rows)
