"""`/b/CODE`: the address on a printed code, which a phone opens. Leads to the page of whatever the code names."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mes.accounts.policies import allows
from mes.kernel import scanning
from mes.kernel.scanning import Kind, ScannedCode
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.links import lot_url, order_url, work_center_url
from mes.screens.desk.pages import in_path, site_of
from traceability.models import MaterialLot
from workorders.models import Operation, WorkCenter, WorkOrder

Row = TypeVar("Row", bound=Model)


def _order(site_id: int, code: ScannedCode) -> str | None:
    found = _one(WorkOrder.objects.filter(site_id=site_id), code, "number")
    return order_url(found.number, found.pk) if found else None


def _operation(site_id: int, code: ScannedCode) -> str | None:
    rows = Operation.objects.filter(order__site_id=site_id).select_related("order")
    if code.id is not None:
        found = rows.filter(pk=code.id).first()
    else:
        number, _dash, sequence = (code.number or "").rpartition("-")
        found = rows.filter(order__number=number, sequence=int(sequence)).first() if sequence.isdigit() else None
    return order_url(found.order.number, found.order.pk) if found else None


def _lot(site_id: int, code: ScannedCode) -> str | None:
    rows = MaterialLot.objects.filter(site_id=site_id)
    if code.id is None and rows.filter(number=code.number).count() > 1:
        return f"/trace/lot/{in_path(str(code.number), 0)}/"
    found = _one(rows, code, "number")
    return lot_url(found.number, found.pk) if found else None


def _work_center(site_id: int, code: ScannedCode) -> str | None:
    found = _one(WorkCenter.objects.filter(site_id=site_id), code, "code")
    return work_center_url(found.code, found.pk) if found else None


def _one(rows: "QuerySet[Row]", code: ScannedCode, field: str) -> Row | None:
    return rows.filter(**({"pk": code.id} if code.id is not None else {field: code.number})).first()


_PAGES: dict[Kind, Callable[[int, ScannedCode], str | None]] = {
    Kind.ORDER: _order,
    Kind.OPERATION: _operation,
    Kind.LOT: _lot,
    Kind.WORK_CENTER: _work_center,
}


@allows("view_floor")
@require_safe
def short_link(request: HttpRequest, code: str) -> HttpResponse:
    """On to the page of CODE. A code without a page of its own says what it is."""
    scan = scanning.parse(f"https://plant.invalid/b/{quote(code, safe='')}")
    if not isinstance(scan, ScannedCode):
        bare = scanning.parse(code)
        scan = bare if isinstance(bare, ScannedCode) or isinstance(scan, scanning.PlainText) else scan
    if isinstance(scan, scanning.Refused):
        return nothing_here(request, scan.sentence.message, scan.sentence.remedy)
    if not isinstance(scan, ScannedCode):
        return HttpResponseRedirect(f"/trace/?q={quote(code, safe='')}")
    find = _PAGES.get(scan.kind)
    if find is None:
        remedy = _("Scan it at a terminal, where it is used.")
        return nothing_here(request, _("This code opens no page at a desk."), remedy)
    found = find(site_of(request).pk, scan)
    if found is None:
        title = _("Nothing of the number {number} is known here.").format(number=scan.payload)
        return nothing_here(request, title, _("Check the label, or search for the number."))
    return HttpResponseRedirect(found)
