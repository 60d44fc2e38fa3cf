"""The order list: filters in the address, pages by key, a file to save, and release by one button."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from mes.accounts.policies import actor_of, allows, may
from mes.execution.release import release_order
from mes.kernel.errors import Refused
from mes.kernel.quantities import shown
from mes.screens.desk.csv_files import csv_answer
from mes.screens.desk.floor_words import signed_hours
from mes.screens.desk.links import order_url
from mes.screens.desk.pages import attempt, done, is_sane_id, live_part, part_of, refusal_context, site_of, without
from mes.screens.desk.words import OPERATION_STATES, ORDER_STATES
from mes.screens.templatetags.mes import plain_number
from workorders import states
from workorders.models import Site, WorkCenter, WorkOrder
from workorders.queries.holds import why_held
from workorders.queries.orders import Board, OrderRow, Wanted, counts, orders

MOST_IN_A_FILE = 10_000
#: Name in the address → what it is called. The first is what opens.
LISTS = {
    "open": gettext_lazy("Open"),
    "unreleased": gettext_lazy("Not released"),
    "RELEASED": gettext_lazy("Released"),
    "RUNNING": gettext_lazy("Running"),
    "DONE": gettext_lazy("Done"),
    "CLOSED": gettext_lazy("Closed"),
    "CANCELLED": gettext_lazy("Cancelled"),
    "all": gettext_lazy("All"),
}


@allows("view_orders")
@require_http_methods(["GET", "HEAD", "POST"])
def order_list(request: HttpRequest) -> HttpResponse:
    """The list; a POST releases the order whose button was pressed."""
    site = site_of(request)
    refusal = None
    if request.method == "POST":
        answer = _release(request, site)
        if isinstance(answer, HttpResponse):
            return answer
        refusal = answer
    wanted = wanted_of(request)
    if request.GET.get("format") == "csv":
        return _file(site, wanted)
    board = orders(site, wanted, timezone.now(), request.GET.get("after", ""))
    context = {
        "topics": f"orders:{site.pk}",
        "wanted": wanted,
        "rows": [_words(row, request) for row in board.rows],
        "shown": _shown(board, request),
        "next_url": without(request, after=board.next_key) if board.next_key else "",
        "first_url": without(request, "after") if request.GET.get("after") else "",
        "filtered": wanted != Wanted(state=wanted.state),
        "src": without(request, part="rows"),
        "plain_url": without(request, "q", "wc", "op", "behind", "hold", "after"),
        "csv_url": without(request, "after", format="csv"),
        "behind_url": without(request, "after", behind="" if wanted.behind else "1"),
        "hold_url": without(request, "after", hold="" if wanted.held else "1"),
    }
    if part_of(request, "rows"):
        return live_part(request, "desk/orders.html#rows", context)
    known = counts(site.pk)
    context |= {
        "lists": [
            {
                "url": without(request, "after", state=key),
                "label": label,
                "count": known.get(key),
                "here": key == wanted.state,
            }
            for key, label in LISTS.items()
        ],
        "centers": WorkCenter.objects.filter(site=site, is_active=True).order_by("area__sequence", "sequence", "code"),
        "operation_states": [(key, OPERATION_STATES[key][1]) for key in states.LIVE_OPERATIONS],
        "may_add": may(request.user.role, "import_orders"),  # type: ignore[union-attr]
        "refusal": refusal_context(refusal) if refusal else None,
        "command_id": request.POST.get("command_id", "") if refusal else "",
        "here": request.get_full_path(),
    }
    return render(request, "desk/orders.html", context, status=refusal.status if refusal else 200)


def wanted_of(request: HttpRequest) -> Wanted:
    """What the address asks for; unknown values are left out, so that an old link still opens."""
    state = request.GET.get("state", "open")
    operation_state = request.GET.get("op", "")
    return Wanted(
        state=state if state in LISTS else "open",
        work_center=_typed(request, "wc"),
        search=_typed(request, "q"),
        operation_state=operation_state if operation_state in OPERATION_STATES else "",
        behind=request.GET.get("behind") == "1",
        held=request.GET.get("hold") == "1",
    )


def _typed(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:64]


def _release(request: HttpRequest, site: Site) -> HttpResponse | Refused:
    chosen = request.POST.get("release", "")
    order = WorkOrder.objects.filter(site=site, pk=int(chosen)).first() if chosen.isdigit() else None
    if order is None:
        return Refused("not_found", what=_("Order"), number=chosen[:20] or "–")
    pk = order.pk
    refusal = attempt(
        lambda: release_order(
            actor=actor_of(request), order_id=pk, command_id=is_sane_id(request.POST.get("command_id"))
        )
    )
    return refusal or done(
        request, _("Order {number} is released.").format(number=order.number), request.get_full_path()
    )


def _words(row: OrderRow, request: HttpRequest) -> dict[str, Any]:
    order = row.order
    work = row.estimate.current if row.estimate else None
    state, word = ORDER_STATES[order.state]
    role = request.user.role  # type: ignore[union-attr]
    return {
        "id": order.pk,
        "number": order.number,
        "url": order_url(order.number, order.pk),
        "item": order.item.code,
        "item_name": order.item.name,
        "customer": order.customer_order,
        "quantity": shown(order.quantity),
        "unit": order.unit.code,
        "percent": round(row.percent, 1),
        "state": state,
        "word": word,
        "where": _where(row),
        "need_date": order.need_date,
        "slack": row.slack,
        "verdict": row.verdict,
        "hours": signed_hours(row.slack) if row.slack is not None else "",
        "hold": why_held(row.hold) if row.hold else "",
        "blocker": row.blockers[0].message if row.blockers else "",
        "running": work is not None and work.state == states.RUNNING,
        "can_release": order.state == states.PLANNED and may(role, "release_order"),
        "can_hold": order.state in states.OPEN_ORDERS and not row.hold and may(role, "place_hold"),
        "can_lift": row.hold is not None and may(role, "release_hold"),
    }


def _where(row: OrderRow) -> str:
    work = row.estimate.current if row.estimate else None
    if work is None:
        return ""
    return f"{work.work_center} · {work.sequence} {work.name}"


def _shown(board: Board, request: HttpRequest) -> str:
    count = len(board.rows)
    if board.next_key:
        return ngettext("The first {count} order.", "{count} orders on this page; there are more.", count).format(
            count=count
        )
    if request.GET.get("after"):
        return ngettext("{count} more order; that is all.", "{count} more orders; that is all.", count).format(
            count=count
        )
    return ngettext("{count} order.", "{count} orders.", count).format(count=count)


HEAD = (
    "number", "item", "item_name", "customer_order", "quantity", "unit", "good", "scrap", "percent_done", "state",
    "operation", "need_date", "slack_hours", "hold",
)  # fmt: skip


def _file(site: Site, wanted: Wanted) -> HttpResponse:
    return csv_answer(f"orders-{timezone.localdate():%Y-%m-%d}", HEAD, _lines(site, wanted))


def _lines(site: Site, wanted: Wanted) -> Iterator[list[Any]]:
    now, after, left = timezone.now(), "", MOST_IN_A_FILE
    while left > 0:
        board = orders(site, wanted, now, after, limit=min(500, left))
        for row in board.rows:
            order = row.order
            yield [
                order.number,
                order.item.code,
                order.item.name,
                order.customer_order,
                plain_number(order.quantity),
                order.unit.code,
                plain_number(row.totals.good),
                plain_number(row.totals.scrap),
                round(row.percent, 1),
                order.state,
                _where(row),
                timezone.localtime(order.need_date).isoformat(timespec="minutes") if order.need_date else "",
                round(row.slack, 2) if row.slack is not None else "",
                why_held(row.hold) if row.hold else "",
            ]
        left -= len(board.rows)
        after = board.next_key
        if not after:
            return
