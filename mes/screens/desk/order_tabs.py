"""The tabs of an order's page: what each reads, by its name in the address."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from erp_sync.models import OutboundMessage
from labor.queries import labor_of_order
from mes.accounts.policies import may
from mes.execution.history import events_of_order
from mes.screens.desk.links import lot_url, order_url
from mes.screens.desk.pages import without
from mes.screens.desk.route_chart import RouteChart
from mes.screens.desk.timeline import KINDS, lines
from mes.screens.desk.words import LOT_STATES, OPERATION_STATES
from quality.queries.checks import checks_of
from traceability.queries import trace_from
from traceability.queries.orders import lots_made_by, materials_of
from workorders.models import Site
from workorders.queries.order import OrderDetail

Context = dict[str, Any]
LATEST = 8


def _route(_request: HttpRequest, site: Site, detail: OrderDetail) -> Context:
    chart = RouteChart(detail, site.time_zone)
    rows = []
    for step in detail.steps:
        operation = step.operation
        state, word = OPERATION_STATES[operation.state]
        rows.append(
            {
                "id": operation.pk,
                "sequence": operation.sequence,
                "name": operation.name,
                "center": operation.work_center.code,
                "center_id": operation.work_center_id,
                "state": state,
                "word": word,
                "quiet": operation.state == "WAITING",
                "held": bool(step.holds),
                "good": operation.good if operation.arrived else None,
                "scrap": operation.scrap if operation.arrived else None,
                "standard": step.standard_minutes / 60 if step.standard_minutes else None,
                "actual": step.actual_minutes / 60 if step.worked else None,
                "bars": chart.bars(step),
                "here": detail.estimate is not None and detail.estimate.current.id == operation.pk,
            }
        )
    page = events_of_order(
        site.pk,
        detail.order.pk,
        kinds=[kind for kind in KINDS if kind != "labor"],
        limit=LATEST,
    )
    return {"chart": chart, "steps": rows, "latest": lines(page.events, site.pk)}


def _timeline(request: HttpRequest, site: Site, detail: OrderDetail) -> Context:
    kind = request.GET.get("kind", "")
    kind = kind if kind in KINDS else ""
    before = request.GET.get("before", "")
    page = events_of_order(
        site.pk,
        detail.order.pk,
        kinds=[kind] if kind else [],
        before=int(before) if before.isdecimal() else None,
    )
    return {
        "lines": lines(page.events, site.pk),
        "kinds": [
            {"label": label, "url": without(request, "before", kind=key), "here": key == kind}
            for key, label in {"": gettext_lazy("Everything"), **KINDS}.items()
        ],
        "older_url": without(request, before=page.before) if page.before else "",
        "newest_url": without(request, "before") if before else "",
    }


def _materials(_request: HttpRequest, site: Site, detail: OrderDetail) -> Context:
    materials = materials_of(site.pk, detail.order.pk, timezone.localdate())
    made = lots_made_by(detail.order.pk)
    return {
        "materials": [
            {"row": row, "lots": [(lot, lot_url(lot.number, lot.lot_id)) for lot in row.lots]} for row in materials
        ],
        "made": [(lot, lot_url(lot.number, lot.lot_id), *LOT_STATES[lot.state]) for lot in made],
    }


def _quality(_request: HttpRequest, _site: Site, detail: OrderDetail) -> Context:
    return {"checks": checks_of(detail.order.pk)}


def _labor(_request: HttpRequest, _site: Site, detail: OrderDetail) -> Context:
    rows = labor_of_order(detail.order.pk)
    standards = {
        step.operation.pk: float(
            (step.operation.good + step.operation.scrap) * step.operation.run_minutes_per_unit
            + (step.operation.setup_minutes if step.operation.started_at else 0)
        )
        for step in detail.steps
    }
    booked = sum(row.setup_minutes + row.run_minutes for row in rows)
    earned = sum(standards.values())
    return {
        "labor": rows,
        "booked": booked / 60,
        "earned": earned / 60,
        "efficiency": earned * 100 / booked if booked else None,
    }


def _genealogy(_request: HttpRequest, _site: Site, detail: OrderDetail) -> Context:
    made = lots_made_by(detail.order.pk)
    mine = {lot.lot_id for lot in made}
    directions = (("backward", _("Made of")), ("forward", _("Went into")))
    sides = []
    for direction, title in directions:
        nodes, _links = trace_from(mine, direction)
        rows = [(node, lot_url(node.number, node.id)) for node in nodes if node.id not in mine]
        sides.append({"direction": direction, "title": title, "rows": rows})
    return {"made": [(lot, lot_url(lot.number, lot.lot_id), *LOT_STATES[lot.state]) for lot in made], "sides": sides}


def _erp(_request: HttpRequest, _site: Site, detail: OrderDetail) -> Context:
    roots = {detail.order.pk}
    parent = detail.order.split_from
    while parent is not None:
        roots.add(parent.pk)
        parent = parent.split_from
    found = OutboundMessage.objects.filter(partition__in=[f"order:{pk}" for pk in roots]).select_related("connection")
    return {"messages_out": list(found.order_by("-id")[:50])}


Reader = Callable[[HttpRequest, Site, OrderDetail], Context]
TABS: dict[str, tuple[Any, Reader]] = {
    "route": (gettext_lazy("Route"), _route),
    "timeline": (gettext_lazy("Timeline"), _timeline),
    "materials": (gettext_lazy("Materials and lots"), _materials),
    "quality": (gettext_lazy("Quality"), _quality),
    "labor": (gettext_lazy("Labor"), _labor),
    "genealogy": (gettext_lazy("Genealogy"), _genealogy),
    "erp": (gettext_lazy("ERP messages"), _erp),
}


def tab_of(request: HttpRequest) -> str:
    """The tab of the address, if the person may see it; else the first."""
    wanted = request.GET.get("tab", "")
    return wanted if wanted in tabs_for(request) else "route"


def tabs_for(request: HttpRequest) -> list[str]:
    role = request.user.role  # type: ignore[union-attr]
    return [name for name in TABS if name != "erp" or may(role, "view_connections")]


def tab_context(request: HttpRequest, site: Site, detail: OrderDetail, tab: str) -> Context:
    """What the open tab shows."""
    return TABS[tab][1](request, site, detail) | {"tab": tab}


def tab_links(request: HttpRequest, tab: str) -> list[Context]:
    names = tabs_for(request)
    return [
        {
            "label": TABS[name][0],
            "url": f"?tab={name}" if name != "route" else "?",
            "here": name == tab,
        }
        for name in names
    ]


def split_links(detail: OrderDetail) -> list[Context]:
    """The orders split off this one, and the one it was split from."""
    order = detail.order
    found = []
    if order.split_from is not None:
        text = _("split off {number}").format(number=order.split_from.number)
        found.append({"text": text, "url": order_url(order.split_from.number, order.split_from.pk)})
    for child in order.splits.order_by("id"):
        text = _("{number} was split off").format(number=child.number)
        found.append({"text": text, "url": order_url(child.number, child.pk)})
    return found
