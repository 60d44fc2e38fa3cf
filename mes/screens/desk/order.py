"""The page of one order: promise against estimate, how many pieces where, its tabs, and what can be done with it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mes.accounts.policies import actor_of, allows
from mes.kernel.errors import Refused
from mes.kernel.quantities import shown
from mes.screens.desk.acts import Panel, buttons, find, panel_of
from mes.screens.desk.change_words import change_text
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.floor_words import signed_hours, stands_at
from mes.screens.desk.links import order_url
from mes.screens.desk.order_acts import acts_of, carry_out
from mes.screens.desk.order_tabs import split_links, tab_context, tab_links, tab_of
from mes.screens.desk.pages import done, is_sane_id, live_part, part_of, refusal_context, site_of, without
from mes.screens.desk.planning_acts import open_request
from mes.screens.desk.words import ORDER_STATES, SOURCES
from mes.screens.templatetags.mes import hours_text
from workorders import states
from workorders.models import ChangeRequest, Site
from workorders.queries.holds import why_held
from workorders.queries.order import OrderDetail, find_order, order_detail


@allows("view_orders")
@require_http_methods(["GET", "HEAD", "POST"])
def order_page(request: HttpRequest, number: str) -> HttpResponse:
    """`?tab=` opens a tab, `?act=` the form of an act; a POST carries the act out."""
    site = site_of(request)
    try:
        order = find_order(site.pk, number)
    except Refused as refusal:
        return nothing_here(request, refusal.message, refusal.remedy)
    refusal_here: Refused | None = None
    if request.method == "POST":
        command_id = is_sane_id(request.POST.get("command_id"))
        try:
            said = carry_out(actor_of(request), order, request.POST.get("act", ""), request.POST, command_id)
        except Refused as refused:
            refusal_here = refused
        else:
            return done(request, said, order_url(order.number, order.pk))
    detail = order_detail(site, order, timezone.now())
    tab = tab_of(request)
    part = part_of(request, "head", "body")
    context = _context(request, site, detail, tab)
    if part == "head":
        return live_part(request, "desk/order.html#head", context)
    context |= tab_context(request, site, detail, tab)
    if part == "body":
        return live_part(request, "desk/order.html#body", context)
    context |= _open_act(request, detail, context["asked"], refusal_here)
    return render(request, "desk/order.html", context, status=refusal_here.status if refusal_here else 200)


def _open_act(
    request: HttpRequest, detail: OrderDetail, asked: ChangeRequest | None, refusal: Refused | None
) -> dict[str, Any]:
    """The form that is open, or the banner of a refused act that has no form."""
    acts = acts_of(detail, asked)
    panel: Panel | None
    if refusal is None:
        act = find(acts, request.GET.get("act", ""))
        return {"panel": panel_of(act, detail.order.site_id) if act and not act.direct else None}
    act = find(acts, request.POST.get("act", ""))
    panel = panel_of(act, detail.order.site_id, request.POST, refusal) if act and not act.direct else None
    refused = refusal_context(refusal)
    return {
        "panel": panel,
        "refusal": None if panel else refused,
        "direct_id": request.POST.get("command_id", "") if refused["same_id"] else "",
    }


def _context(request: HttpRequest, site: Site, detail: OrderDetail, tab: str) -> dict[str, Any]:
    order = detail.order
    state, word = ORDER_STATES[order.state]
    known = detail.estimate
    asked = open_request(order)
    return {
        "site": site,
        "order": order,
        "detail": detail,
        "url": order_url(order.number, order.pk),
        "state": state,
        "word": word,
        "source": SOURCES.get(order.source, order.source),
        "hold": why_held(detail.holds[0]) if detail.holds else "",
        "slack_text": signed_hours(detail.slack) if detail.slack is not None else "",
        "slack_said": _slack_said(detail),
        "finish": known.finish if known else None,
        "because": _because(detail),
        "asked": asked,
        "asked_text": change_text(asked.changes) if asked else "",
        "corrections": order.corrections.select_related("operation", "reason").order_by("id")
        if order.state == states.CLOSED
        else (),
        "blockers": order.blockers if order.state == states.RECEIVED else [],
        "funnel": _funnel(detail),
        "buttons": buttons(acts_of(detail, asked), request.user.role),  # type: ignore[union-attr]
        "act_query": f"&tab={tab}" if tab != "route" else "",
        "tabs": tab_links(request, tab),
        "relatives": split_links(detail),
        "topics": f"order:{order.pk}",
        "head_src": without(request, "act", part="head"),
        "body_src": without(request, "act", part="body"),
        "back": without(request, "act"),
    }


def _slack_said(detail: OrderDetail) -> str:
    if detail.slack is None:
        return ""
    hours = hours_text(abs(detail.slack))
    if detail.verdict == "late":
        return _("{hours} late").format(hours=hours)
    if detail.slack < 0:
        return _("Will be {hours} late by standard time").format(hours=hours)
    return _("{hours} to spare").format(hours=hours)


def _because(detail: OrderDetail) -> str:
    """The one sentence that explains where the order stands."""
    if detail.holds:
        return _("On hold: {why}.").format(why=why_held(detail.holds[0]))
    known = detail.estimate
    if known is None:
        return ""
    hours = hours_text(known.minutes / 60)
    open_steps = sum(1 for step in detail.steps if step.work is not None)
    if open_steps == 1:
        return _("It {stands}; {hours} of standard time are left.").format(stands=stands_at(known.current), hours=hours)
    longest = max((step.work for step in detail.steps if step.work), key=lambda work: work.remaining)
    text = _("It {stands}; {hours} of standard time are left, most of it at op {sequence} {name} ({most}).")
    return text.format(
        stands=stands_at(known.current),
        hours=hours,
        sequence=longest.sequence,
        name=longest.name,
        most=hours_text(longest.remaining / 60),
    )


def _funnel(detail: OrderDetail) -> list[dict[str, str]]:
    order, totals = detail.order, detail.totals
    left = detail.estimate.minutes / 60 if detail.estimate else 0.0
    return [
        {"label": _("Ordered"), "value": shown(order.quantity), "sub": order.unit.code},
        {"label": _("Started"), "value": shown(detail.begun), "sub": _("first op")},
        {"label": _("Good"), "value": shown(totals.good), "sub": _("last op")},
        {
            "label": _("Scrap"),
            "value": shown(totals.scrap),
            "sub": _("{percent} %").format(percent=f"{totals.scrap * 100 / detail.begun:.1f}") if detail.begun else "–",
        },
        {"label": _("To go"), "value": shown(detail.to_go), "sub": hours_text(left) if left else "–"},
    ]
