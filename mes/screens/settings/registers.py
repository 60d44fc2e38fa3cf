"""Registers: lists of one kind of record with a form to add and one to change. One view for all of them.

Which registers there are is in `plant_registers.py` and `unit_registers.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods
from django_stubs_ext import StrOrPromise

from mes.accounts.policies import actor_of, allows
from mes.kernel.errors import Refused
from mes.screens.desk.acts import Act, Field, who_may
from mes.screens.desk.pages import done, is_sane_id, refusal_context, site_of, without
from mes.screens.settings.frame import Cell, page, panel, role_may, searched, typed_of, whole
from workorders.models import Site

PAGE = 100
REMOVE = Act("remove", gettext_lazy("Remove"), "trash-2", "", direct=True)


@dataclass(frozen=True)
class Register:
    """One list of records: what its rows show, what its form asks, which command keeps it."""

    path: str
    title: StrOrPromise
    lede: StrOrPromise
    add: StrOrPromise
    saved: StrOrPromise
    empty: StrOrPromise
    icon: str
    right: str
    columns: tuple[StrOrPromise, ...]
    rows: Callable[[Site, str], "QuerySet[Any]"]
    cells: Callable[[Any], list[Cell]]
    fields: Callable[[Site, Any], tuple[Field, ...]]
    values: Callable[[Any], dict[str, str]]
    keep: Callable[..., Any]
    #: Records that cannot be changed, only removed: the command that does it.
    remove: Callable[..., Any] | None = None
    can_change: bool = True
    number_columns: frozenset[int] = field(default_factory=frozenset)


@dataclass(slots=True)
class _Open:
    """The form that is open, and what became of it."""

    act: Act | None = None
    row: Any = None
    typed: dict[str, str] | None = None
    refusal: Refused | None = None


def register_view(register: Register) -> Callable[..., HttpResponseBase]:
    """The page of REGISTER. `?act=add` and `?act=edit&id=` open its form; a POST carries it out."""

    @allows("view_settings")
    @require_http_methods(["GET", "HEAD", "POST"])
    def view(request: HttpRequest) -> HttpResponse:
        site = site_of(request)
        if request.method == "POST":
            opened = _take(request, register, site)
            if isinstance(opened, HttpResponse):
                return opened
        else:
            opened = _open(request, register, site, request.GET.get("act", ""), whole(request.GET.get("id")))
        return _page(request, register, site, opened)

    return view


def _open(request: HttpRequest, register: Register, site: Site, key: str, pk: int | None) -> _Open:
    if not role_may(request, register.right):
        return _Open()
    if key == "add":
        return _Open(_act(register, site, None))
    row = register.rows(site, "").filter(pk=pk).first() if key == "edit" and pk and register.can_change else None
    return _Open(_act(register, site, row), row) if row is not None else _Open()


def _act(register: Register, site: Site, row: Model | None) -> Act:
    label = register.add if row is None else gettext_lazy("Save")
    title = register.add if row is None else _("Change {what}").format(what=register.cells(row)[0].text)
    key, icon = ("add", "plus") if row is None else ("edit", "check")
    return Act(key, label, icon, register.right, title=title, fields=register.fields(site, row))


def _take(request: HttpRequest, register: Register, site: Site) -> HttpResponse | _Open:
    """Carry out what was posted: back to the list, or the form again with its refusal."""
    key, pk = request.POST.get("act", ""), whole(request.GET.get("id") or request.POST.get("id"))
    command_id = is_sane_id(request.POST.get("command_id"))
    if key == "remove" and register.remove is not None:
        try:
            register.remove(actor=actor_of(request), pk=pk or 0, command_id=command_id)
        except Refused as refusal:
            return _Open(refusal=refusal)
        return done(request, _("It is removed."), register.path)
    opened = _open(request, register, site, key, pk)
    if opened.act is None:
        refused = Refused("forbidden", role=_role(request), action=register.right)
        return _Open(refusal=refused if not role_may(request, register.right) else _gone(register, pk))
    opened.typed = typed_of(opened.act, request.POST)
    try:
        _save(register, request, opened, command_id)
    except Refused as refusal:
        opened.refusal = refusal
        return opened
    return done(request, str(register.saved), register.path)


def _save(register: Register, request: HttpRequest, opened: _Open, command_id: UUID) -> None:
    more = {"pk": opened.row.pk} if opened.row is not None else {}
    register.keep(actor=actor_of(request), row=opened.typed, command_id=command_id, **more)


def _role(request: HttpRequest) -> str:
    return str(getattr(request.user, "role", "–"))


def _gone(register: Register, pk: int | None) -> Refused:
    return Refused("not_found", what=register.title, number=pk or "–")


def _page(request: HttpRequest, register: Register, site: Site, opened: _Open) -> HttpResponse:
    search, start = searched(request), whole(request.GET.get("from")) or 0
    found = list(register.rows(site, search)[start : start + PAGE + 1])
    rows, more = found[:PAGE], len(found) > PAGE
    may_change = role_may(request, register.right)
    context: dict[str, Any] = {
        "register": register,
        "search": search,
        "rows": [(row.pk, register.cells(row)) for row in rows],
        "columns": [(title, place in register.number_columns) for place, title in enumerate(register.columns)],
        "shown": ngettext("{count} on this page.", "{count} on this page.", len(rows)).format(count=len(rows)),
        "next_url": without(request, "act", "id", **{"from": start + PAGE}) if more else "",
        "first_url": without(request, "act", "id", "from") if start else "",
        "may_change": may_change,
        "who_may": "" if may_change else who_may(register.right),
        "panel": None,
        "refusal": None,
    }
    if opened.act is not None:
        values = opened.typed if opened.typed is not None else register.values(opened.row) if opened.row else {}
        context["panel"] = panel(request, opened.act, values, opened.refusal)
        context["action"] = f"{register.path}?id={opened.row.pk}" if opened.row else register.path
    elif opened.refusal is not None:
        context["refusal"] = refusal_context(opened.refusal)
    return page(request, "desk/settings/register.html", context, opened.refusal.status if opened.refusal else 200)
