"""Trace: the list of lots with its search, and the page of one lot. What is done with a lot is in `lot_acts.py`."""

from collections import Counter
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from mes.accounts.policies import allows, may
from mes.kernel.errors import Refused
from mes.kernel.models import Event
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.links import lot_url, order_url
from mes.screens.desk.lot_acts import Attempt, acts_of, open_form, take
from mes.screens.desk.lot_words import what_moved, who_moved
from mes.screens.desk.pages import live_part, part_of, site_of, without
from mes.screens.desk.timeline import lines
from mes.screens.desk.words import LOT_STATES, ORDER_STATES
from mes.screens.templatetags.mes import signed
from traceability.models import GenealogyLink, MaterialLot
from traceability.queries import find_lot, hold_text, trace, uses_without_lot
from traceability.queries.stock import LotRow, holds_of, lots, lots_called, movements_of, places_of
from workorders.models import WorkOrder

MOVEMENTS_SHOWN = 50
EVENTS_SHOWN = 30
#: A lot of a common raw material goes into thousands; the page shows the nearest.
TRACE_SHOWN = 200
BIGGEST_ID = 2**63 - 1


@allows("view_lots")
@require_safe
def trace_page(request: HttpRequest) -> HttpResponse:
    """Lots, newest first; `?q=` searches. The exact number of one lot, or else of an order, leads to its page."""
    site = site_of(request)
    search = "".join(char for char in request.GET.get("q", "") if char.isprintable()).strip()[:64]
    before = _whole(request.GET.get("before", ""))
    if search and before is None:
        exact = lots_called(site.pk, search)
        if len(exact) == 1:
            return HttpResponseRedirect(lot_url(exact[0].number, exact[0].id))
        order = None if exact else WorkOrder.objects.filter(site=site, number=search).first()
        if order is not None:
            return HttpResponseRedirect(order_url(order.number, order.pk))
        if exact:
            return _choices(request, search, exact)
    rows, onward = lots(site.pk, search, before)
    context = {
        "search": search,
        "rows": _rows(rows),
        "shown": ngettext("{count} lot on this page.", "{count} lots on this page.", len(rows)).format(count=len(rows)),
        "next_url": without(request, before=onward) if onward else "",
        "first_url": without(request, "before") if before is not None else "",
        "may_receive": _role_may(request, "receive_lot"),
    }
    return render(request, "desk/trace.html", context)


def _choices(request: HttpRequest, number: str, found: list[LotRow]) -> HttpResponse:
    """The same number belongs to several items: which lot is meant?"""
    context = {
        "search": number,
        "ambiguous": number,
        "rows": _rows(found),
        "shown": ngettext("{count} lot.", "{count} lots.", len(found)).format(count=len(found)),
        "may_receive": _role_may(request, "receive_lot"),
    }
    return render(request, "desk/trace.html", context)


@allows("view_lots")
@require_http_methods(["GET", "HEAD", "POST"])
def lot_page(request: HttpRequest, number: str) -> HttpResponse:
    """The page of a lot by its number or `~ID`. `?act=` opens the form of an act; a POST carries one out."""
    site = site_of(request)
    if not number.isprintable():
        return nothing_here(request, _("There is no such lot."), _("Search for its number."))
    try:
        lot = find_lot(site.pk, number)
    except Refused as refusal:
        found = lots_called(site.pk, number)
        return _choices(request, number, found) if found else nothing_here(request, refusal.message, refusal.remedy)
    attempt = Attempt()
    if request.method == "POST":
        attempt = take(request, lot)
        if attempt.answer is not None:
            return attempt.answer
    context = _context(request, lot)
    if part_of(request, "body"):
        return live_part(request, "desk/lot.html#body", context)
    context |= open_form(request, lot, context["holds"], context["places"], attempt)
    return render(request, "desk/lot.html", context, status=attempt.status)


def _context(request: HttpRequest, lot: MaterialLot) -> dict[str, Any]:
    places, holds = places_of(lot.pk), holds_of(lot.pk)
    moved, moves = movements_of(lot.pk, MOVEMENTS_SHOWN)
    events = Event.objects.filter(subject=f"lot:{lot.pk}").order_by("-seq")[:EVENTS_SHOWN]
    open_holds = [hold for hold in holds if hold.released_at is None]
    state, word = LOT_STATES[lot.state]
    unit = lot.item.unit.code
    return {
        "lot": lot,
        "unit": unit,
        "state": state,
        "word": word,
        "held": hold_text(open_holds[0]) if open_holds else "",
        "expired": lot.expiry is not None and lot.expiry < timezone.localdate(),
        "in_stock": sum(place.quantity for place in places),
        "places": places,
        "holds": holds,
        "moved": [
            {
                "row": row,
                "what": what_moved(row),
                "change": signed(row.quantity),
                "who": who_moved(row),
                "order_url": order_url(row.order.number, row.order.pk) if row.order else "",
            }
            for row in moved
        ],
        "moves_more": max(moves - len(moved), 0),
        "sides": [
            {
                "key": "forward",
                "title": _("Went into"),
                "empty": _("It went into nothing yet"),
                **_side(lot, "forward"),
            },
            {"key": "backward", "title": _("Made of"), "empty": _backward_empty(lot), **_side(lot, "backward")},
        ],
        "lines": lines(events, lot.site_id),
        "acts": acts_of(lot, request.user.role),  # type: ignore[union-attr]
        "may_lift": _role_may(request, "release_lot_hold"),
        "topics": f"lot:{lot.pk}",
        "src": without(request, "act", "hold", part="body"),
        "here": request.path,
    }


def _backward_empty(lot: MaterialLot) -> str:
    return _("No component lot was scanned") if lot.made_by_id else _("It was received, not made here")


def _side(lot: MaterialLot, direction: str) -> dict[str, Any]:
    """One direction of the trace as lines: each link stands with the lot it leads to, nearest first."""
    nodes, links = trace(lot, direction)
    forward = direction == "forward"
    by_lot: dict[int, list[Any]] = {}
    for link in links:
        by_lot.setdefault(link.target if forward else link.source, []).append(link)
    double = Counter(node.number for node in nodes)
    names = {node.id: node.number for node in nodes}
    orders = dict(
        WorkOrder.objects.filter(site_id=lot.site_id, number__in={link.order for link in links}).values_list(
            "number", "pk"
        )
        if links
        else ()
    )
    rows = [
        {
            "node": node,
            "url": f"/trace/lot/~{node.id}/" if double[node.number] > 1 else lot_url(node.number, node.id),
            "indent": min(node.depth, 6),
            "quantity": link.quantity,
            "unit": link.unit,
            "from": names[link.source if forward else link.target] if node.depth > 1 else "",
            "possible": link.certainty == GenealogyLink.POSSIBLE,
            "order": link.order,
            "order_url": order_url(link.order, orders[link.order]),
        }
        for node in nodes
        for link in sorted(by_lot.get(node.id, ()), key=lambda link: link.order)
        if node.depth
    ]
    return {
        "key": direction,
        "rows": rows[:TRACE_SHOWN],
        "uses": _uses(lot, names) if forward else [],
        "lots": len(nodes) - 1,
        "more": max(len(rows) - TRACE_SHOWN, 0),
    }


def _uses(lot: MaterialLot, names: dict[int, str]) -> list[dict[str, Any]]:
    """Orders that hold material of the lots reached and made no lot of it, with the state they stand in."""
    return [
        {
            "use": use,
            "url": order_url(use.order, use.order_id),
            "state": ORDER_STATES[use.state][0],
            "word": ORDER_STATES[use.state][1],
            "from": names[use.lot] if use.lot != lot.pk else "",
        }
        for use in uses_without_lot(names)[:TRACE_SHOWN]
    ]


def _rows(found: list[LotRow]) -> list[dict[str, Any]]:
    double = Counter(row.number for row in found)
    today = timezone.localdate()
    rows = []
    for row in found:
        state, word = LOT_STATES[row.state]
        url = f"/trace/lot/~{row.id}/" if double[row.number] > 1 else lot_url(row.number, row.id)
        expired = row.expiry is not None and row.expiry < today
        rows.append({"lot": row, "url": url, "state": state, "word": word, "expired": expired})
    return rows


def _role_may(request: HttpRequest, action: str) -> bool:
    return may(request.user.role, action)  # type: ignore[union-attr]


def _whole(text: str) -> int | None:
    return min(int(text), BIGGEST_ID) if text.isascii() and text.isdigit() and len(text) < 30 else None
