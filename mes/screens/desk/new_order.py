"""Keying in an order by hand: what it makes, how many, until when. Operations come from the item's routing."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mes.accounts.policies import actor_of, allows
from mes.kernel.errors import Refused
from mes.screens.desk.links import order_url
from mes.screens.desk.pages import done, is_sane_id, refusal_context, site_of
from workorders.actions.imports import CREATED, REJECTED, Result
from workorders.actions.receiving import import_orders
from workorders.models import Item, Routing, Site, WorkOrder
from workorders.queries.orders import next_number

FIELDS = ("number", "item", "quantity", "need_date", "customer_order", "priority", "routing")


@allows("import_orders")
@require_http_methods(["GET", "HEAD", "POST"])
def new_order(request: HttpRequest) -> HttpResponse:
    """The form; a POST makes the order and leads to its page. What was typed stays when it is refused."""
    site = site_of(request)
    typed = {name: request.POST.get(name, "").strip()[:200] for name in FIELDS}
    if request.method != "POST":
        typed["number"] = next_number(site.pk)
        return _form(request, site, typed)
    errors, refusal = _before(site, typed), None
    if not errors:
        try:
            answer = _make(request, typed)
        except Refused as refused:
            refusal = refused
        else:
            if isinstance(answer, HttpResponse):
                return answer
            errors = answer
    return _form(request, site, typed, errors, refusal)


def _form(
    request: HttpRequest,
    site: Site,
    typed: dict[str, str],
    errors: list[str] | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    refused = refusal_context(refusal) if refusal else None
    context: dict[str, Any] = {
        "typed": typed,
        "errors": errors or [],
        "refusal": refused,
        "command_id": request.POST.get("command_id", "") if refused and refused["same_id"] else "",
        "items": Item.objects.filter(site=site, is_active=True).order_by("code").values_list("code", "name"),
        "routings": Routing.objects.filter(item__site=site, item__code=typed["item"]).order_by("version"),
    }
    status = refusal.status if refusal else 422 if errors else 200
    return render(request, "desk/new_order.html", context, status=status)


def _before(site: Site, typed: dict[str, str]) -> list[str]:
    """What an import would take for a replacement: by hand a number is used once."""
    if WorkOrder.objects.filter(site=site, number=typed["number"]).exists():
        return [_("Order {number} exists already. Choose another number.").format(number=typed["number"])]
    return []


def _make(request: HttpRequest, typed: dict[str, str]) -> HttpResponse | list[str]:
    row: dict[str, Any] = {name: value for name, value in typed.items() if value}
    row["quantity"] = typed["quantity"].replace(",", ".")
    results = import_orders(
        actor=actor_of(request), rows=[row], source="manual", command_id=is_sane_id(request.POST.get("command_id"))
    )
    # A repetition of the same command answers with the stored form of its results.
    first = results["results"][0] if isinstance(results, dict) else _as_dict(results.rows[0])
    if first["outcome"] == REJECTED:
        return list(first["errors"])
    text = _("Order {number} is made.") if first["outcome"] == CREATED else _("Order {number} was there already.")
    return done(request, text.format(number=first["number"]), order_url(first["number"], first["id"]))


def _as_dict(result: Result) -> dict[str, Any]:
    return dict(result.as_json())
