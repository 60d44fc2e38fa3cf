"""Keying in a new version of an item's components or steps: a table of lines. A version that is kept never changes."""

import re
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mes.accounts.policies import actor_of, allows
from mes.kernel.errors import Refused
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.pages import done, is_sane_id, refusal_context, site_of
from mes.screens.settings.frame import page
from mes.screens.settings.items import item_at, item_url
from workorders.actions.imports import REJECTED, Row
from workorders.actions.masterdata import import_boms, import_routings
from workorders.models import BillOfMaterials, Item, Routing, UnitOfMeasure, WorkCenter

SPARE, MOST, SUGGESTED = 4, 120, 500
BOM_FIELDS = ("item", "quantity_per", "unit", "operation")
STEP_FIELDS = (
    "sequence",
    "name",
    "work_center",
    "setup_minutes",
    "run_minutes_per_unit",
    "instruction",
    "overlap",
)
_COUNTING = re.compile(r"(.*?)(\d{1,9})$")
Line = dict[str, str]


@dataclass(slots=True)
class _Sheet:
    """The table as it is shown: version, lines, and what stood in the way."""

    version: str
    lines: list[Line]
    refusal: dict[str, Any] | None = None
    status: int = 200
    #: The active version has more lines than a form carries; a shorter one must not come of it unnoticed.
    too_long: bool = False


@allows("import_boms")
@require_http_methods(["GET", "HEAD", "POST"])
def bom_page(request: HttpRequest, code: str) -> HttpResponse:
    """A new version of what one piece of the item takes, beginning with what the active version says."""
    item = item_at(site_of(request), code)
    if item is None:
        return nothing_here(request, _("There is no such item."), _("Search for it at Settings, Items."))
    known = BillOfMaterials.objects.filter(item=item)
    active = known.filter(is_active=True).order_by("-pk").first()
    lines = [
        {
            "item": line.item.code,
            "quantity_per": f"{line.quantity_per.normalize():f}",
            "unit": line.unit.code,
            "operation": "" if line.operation is None else str(line.operation),
        }
        for line in (active.lines.select_related("item", "unit").order_by("operation", "id") if active else ())
    ]
    versions = list(known.order_by("pk").values_list("version", flat=True))
    sheet = _sheet(request, BOM_FIELDS, lines, versions)
    if request.POST.get("act") == "save":
        row = {"item": item.code, "version": sheet.version, "lines": [_bom_line(line) for line in _filled(sheet)]}
        answer = _keep(request, import_boms, row, sheet, item)
        if answer is not None:
            return answer
    context = {
        "items": Item.objects.filter(site=item.site_id, is_active=True)
        .exclude(pk=item.pk)
        .order_by("code")
        .values_list("code", "name")[:SUGGESTED],
        "units": UnitOfMeasure.objects.order_by("code").values_list("code", flat=True)[:SUGGESTED],
    }
    return _page(request, "desk/settings/bom_version.html", item, sheet, context)


@allows("import_routings")
@require_http_methods(["GET", "HEAD", "POST"])
def routing_page(request: HttpRequest, code: str) -> HttpResponse:
    """A new version of the steps by which the item is made, beginning with those of the active version."""
    item = item_at(site_of(request), code)
    if item is None:
        return nothing_here(request, _("There is no such item."), _("Search for it at Settings, Items."))
    known = Routing.objects.filter(item=item)
    active = known.filter(is_active=True).order_by("-pk").first()
    lines = [
        {
            "sequence": str(step.sequence),
            "name": step.name,
            "work_center": step.work_center.code,
            "setup_minutes": f"{step.setup_minutes.normalize():f}",
            "run_minutes_per_unit": f"{step.run_minutes_per_unit.normalize():f}",
            "instruction": step.instruction,
            "overlap": "yes" if step.overlap else "",
        }
        for step in (active.steps.select_related("work_center") if active else ())
    ]
    versions = list(known.order_by("pk").values_list("version", flat=True))
    sheet = _sheet(request, STEP_FIELDS, lines, versions)
    if request.POST.get("act") == "save":
        row = {"item": item.code, "version": sheet.version, "operations": [_step(line) for line in _filled(sheet)]}
        answer = _keep(request, import_routings, row, sheet, item)
        if answer is not None:
            return answer
    centers = WorkCenter.objects.filter(site=item.site_id, is_active=True).order_by(
        "area__sequence", "sequence", "code"
    )
    return _page(
        request, "desk/settings/routing_version.html", item, sheet, {"centers": centers.values_list("code", "name")}
    )


def _sheet(request: HttpRequest, fields: tuple[str, ...], lines: list[Line], versions: list[str]) -> _Sheet:
    """What was typed, else LINES; with a few empty lines below for more."""
    if request.method != "POST":
        if len(lines) > MOST:
            return _Sheet("", [], too_long=True)
        blank = [dict.fromkeys(fields, "") for _place in range(SPARE)]
        return _Sheet(next_version(versions), lines + blank)
    columns = {name: [text.strip()[:4000] for text in request.POST.getlist(name)[:MOST]] for name in fields}
    height = max((len(column) for column in columns.values()), default=0)
    typed = [
        {name: column[place] if place < len(column) else "" for name, column in columns.items()}
        for place in range(height)
    ]
    if request.POST.get("act") == "more":
        typed += [dict.fromkeys(fields, "") for _place in range(min(2 * SPARE, MOST - height))]
    return _Sheet(request.POST.get("version", "").strip()[:40], typed)


def next_version(versions: list[str]) -> str:
    """The version after the last one, where it counts: 1 → 2, B7 → B8, C → D; else the last with a 2 behind."""
    if not versions:
        return "1"
    last = versions[-1]
    if len(last) == 1 and "A" <= last < "Z" and chr(ord(last) + 1) not in versions:
        return chr(ord(last) + 1)
    counting = _COUNTING.match(last)
    base, number = (counting[1], int(counting[2])) if counting else (f"{last[:26]}-", 1)
    while f"{base}{number + 1}" in versions:
        number += 1
    return f"{base}{number + 1}"


def _filled(sheet: _Sheet) -> list[Line]:
    """The lines in which something was typed; what only a select or a box says does not count."""
    return [line for line in sheet.lines if any(text for name, text in line.items() if name != "overlap")]


def _decimal(text: str) -> str:
    return text.replace(",", ".") if text.count(",") == 1 and "." not in text else text


def _bom_line(line: Line) -> Row:
    row: Row = {name: text for name, text in line.items() if text}
    if "quantity_per" in row:
        row["quantity_per"] = _decimal(row["quantity_per"])
    return row


def _step(line: Line) -> Row:
    row: Row = {name: text for name, text in line.items() if text}
    for name in ("setup_minutes", "run_minutes_per_unit"):
        if name in row:
            row[name] = _decimal(row[name])
    return row


def _keep(request: HttpRequest, importer: Any, row: Row, sheet: _Sheet, item: Item) -> HttpResponse | None:
    """Keep the version and lead to the item; or nothing, with the refusal on the sheet."""
    command_id = is_sane_id(request.POST.get("command_id"))
    try:
        if not sheet.version:
            raise Refused("invalid", field=_("Version"), why=_("1 to {limit} characters are needed").format(limit=30))
        if not _filled(sheet):
            raise Refused("invalid", field=_("Lines"), why=_("at least one line is needed"))
        found = importer(actor=actor_of(request), rows=[row], only_new=True, command_id=command_id)
        result = (found if isinstance(found, dict) else found.as_json())["results"][0]
        if result["outcome"] == REJECTED:
            raise Refused("row_rejected", first=" ".join(result["errors"]))
    except Refused as refusal:
        sheet.refusal, sheet.status = refusal_context(refusal), refusal.status
        return None
    text = _("Version {version} is kept; orders are planned by it from now on.").format(version=sheet.version)
    return done(request, text, item_url(item))


def _page(request: HttpRequest, template: str, item: Item, sheet: _Sheet, context: dict[str, Any]) -> HttpResponse:
    same = sheet.refusal is not None and sheet.refusal["same_id"]
    frame = {
        "item": item,
        "path": item_url(item),
        "sheet": sheet,
        "command_id": request.POST.get("command_id", "") if same else "",
        "can_grow": len(sheet.lines) < MOST,
    }
    return page(request, template, frame | context, sheet.status)
