"""Lists in: items, work centers, BOMs, routings, inspection plans, received lots, orders. And reading items."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from pydantic import ValidationError

from mes.api.answers import done, read
from mes.api.bodies import without_nul
from mes.api.calls import Call, call_of
from mes.api.doors import acts, reads
from mes.api.errors import invalid_from
from mes.api.numbers import address, item_of
from mes.api.paging import only, page
from mes.api.rows import (
    BomRow,
    InspectionPlanRow,
    ItemRow,
    LotRow,
    OrderRow,
    RoutingRow,
    WorkCenterRow,
)
from mes.api.schemas import Act
from mes.api.shown.items import item_body
from mes.kernel.commands import Outcome, run
from mes.kernel.errors import Blocker, Refused
from quality.actions.plans import import_inspection_plans
from traceability.actions.lots import receive_lot
from workorders.actions import masterdata, receiving
from workorders.actions.imports import CREATED, REJECTED, Results
from workorders.models import Item

MOST_ROWS = 5_000
Row = dict[str, Any]
Action = Callable[..., Results]
#: Fields of a single object that belong to the act and not to the row.
_OF_THE_ACT = ("badge", "at", "terminal")


def take_in(request: HttpRequest, action: Action, *, kind: str = "", dated: bool = False) -> HttpResponse:
    """Import one object or a list of them as one command. A list without any effect leaves no receipt.

    One object answers 201 when it was created, 422 `invalid` when it was rejected. KIND is where the rows are read.
    """
    call = call_of(request)
    single = isinstance(call.body, dict)
    rows, sent = _rows(call)
    actor = call.actor(sent)
    command_id = call.command_id()
    more = {"at": sent.at} if dated else {}

    def body() -> Outcome:
        results = action(actor=actor, rows=rows, command_id=command_id, **more)
        if single and results.rows[0].outcome == REJECTED:
            errors = results.rows[0].errors
            raise Refused("row_rejected", [Blocker("row_rejected", error) for error in errors], first=errors[0])
        answer = results.as_json()
        if kind:
            _add_addresses(actor.site_id, kind, answer["results"])
        status = 201 if single and results.rows[0].outcome == CREATED else 200
        return Outcome(status, answer, effect=results.has_effect)

    mark = call.fingerprint()
    return done(run(name=call.action, actor=actor, command_id=command_id, fingerprint=mark, body=body))


def _rows(call: Call) -> tuple[list[Any], Act]:
    sent = call.body
    if isinstance(sent, list):
        if len(sent) > MOST_ROWS:
            why = _("at most {count} rows are taken at once").format(count=MOST_ROWS)
            raise Refused("invalid", field="body", why=why)
        return sent, Act()
    if not isinstance(sent, dict):
        raise Refused("invalid", field="body", why=_("an object or a list of objects is needed"))
    without_nul(sent)
    try:
        act = Act.model_validate({name: sent[name] for name in _OF_THE_ACT if name in sent})
    except ValidationError as error:
        raise invalid_from(error.errors()) from None
    return [{name: value for name, value in sent.items() if name not in _OF_THE_ACT}], act


def _add_addresses(site_id: int, kind: str, results: list[Row]) -> None:
    """Say where each row that was taken can be read."""
    taken = [row for row in results if row["outcome"] != REJECTED]
    if kind == "items":
        codes = [row["code"] for row in taken]
        ids = dict(Item.objects.filter(site_id=site_id, code__in=codes).values_list("code", "id"))
        for row in taken:
            row["id"] = ids[row["code"]]
    for row in taken:
        row["url"] = address(kind, row["id"], row.get("number") or row.get("code") or "")


@reads("/items", "view_master_data", tag="master data")
def list_items(request: HttpRequest) -> HttpResponse:
    """The items of the site, in the order they were made known."""
    rows = Item.objects.filter(site_id=call_of(request).token.site_id).select_related("unit")
    return read(request, page(only(request, "limit", "cursor"), rows, lambda found: [item_body(one) for one in found]))


@acts("/items", "import_items", tag="master data", created=True, rows=ItemRow)
def post_items(request: HttpRequest) -> HttpResponse:
    """Create or update one item or a list of them, by code."""
    return take_in(request, masterdata.import_items, kind="items")


@reads("/items/{code}", "view_master_data", tag="master data")
def get_item(request: HttpRequest, code: str) -> HttpResponse:
    """One item."""
    only(request)
    return read(request, item_body(item_of(call_of(request).token.site_id, code)))


@acts("/work-centers", "import_work_centers", tag="master data", created=True, rows=WorkCenterRow)
def post_work_centers(request: HttpRequest) -> HttpResponse:
    """Create or update work centers by code."""
    return take_in(request, masterdata.import_work_centers)


@acts("/boms", "import_boms", tag="master data", created=True, rows=BomRow)
def post_boms(request: HttpRequest) -> HttpResponse:
    """Create or replace versions of bills of materials; the one sent last is active."""
    return take_in(request, masterdata.import_boms)


@acts("/routings", "import_routings", tag="master data", created=True, rows=RoutingRow)
def post_routings(request: HttpRequest) -> HttpResponse:
    """Create or replace versions of routings; the one sent last is active."""
    return take_in(request, masterdata.import_routings)


@acts("/inspection-plans", "import_inspection_plans", tag="master data", created=True, rows=InspectionPlanRow)
def post_inspection_plans(request: HttpRequest) -> HttpResponse:
    """Create or replace the checks of an item's operation."""
    return take_in(request, import_inspection_plans)


@acts("/lots", "receive_lot", tag="lots", created=True, rows=LotRow)
def post_lots(request: HttpRequest) -> HttpResponse:
    """Receive one lot or a list of them into stock."""
    return take_in(request, receive_lot, kind="lots", dated=True)


@acts("/orders", "import_orders", tag="orders", created=True, rows=OrderRow)
def post_orders(request: HttpRequest) -> HttpResponse:
    """Create orders, or replace those not released yet. Each is PLANNED, or RECEIVED with its blockers."""
    return take_in(request, receiving.import_orders, kind="orders")
