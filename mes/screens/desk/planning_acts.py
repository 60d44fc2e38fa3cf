"""What planning and supervisors do to a released or closed order from its page: its place in the queue, changes asked
for and decided, hours from paper, corrections. The other acts are in `order_acts.py`.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mes.accounts.models import User
from mes.execution.paper import enter_paper_work
from mes.kernel.errors import Refused
from mes.kernel.quantities import shown
from mes.screens.desk.acts import Act, Field
from mes.screens.desk.change_words import change_text
from workorders import states
from workorders.actions.planning import (
    FIRST,
    LAST,
    NORMAL,
    correct_order,
    decide_change,
    request_change,
    resequence_order,
)
from workorders.models import ChangeRequest, WorkOrder
from workorders.queries.order import OrderDetail

Call = Callable[..., Any]
NOTE = Field("note", gettext_lazy("Note"))
#: People offered for an hour from paper; a plant's shift is smaller.
PEOPLE = 500


def acts_of(detail: OrderDetail, request: ChangeRequest | None) -> list[Act]:
    """The acts that the state of the order allows; REQUEST is the change that waits for a decision."""
    order = detail.order
    found: list[Act] = []
    if request is not None:
        found.append(_decide(request))
    if order.state in states.OPEN_ORDERS:
        found.append(_resequence(order))
    if order.state in (states.RELEASED, states.RUNNING):
        found += [_change(order), _paper(detail)]
    if order.state == states.CLOSED:
        found.append(_correct(detail))
    return found


def open_request(order: WorkOrder) -> ChangeRequest | None:
    """The change of ORDER that waits for a decision."""
    return ChangeRequest.objects.filter(order=order, state=states.REQUESTED).first()


def _resequence(order: WorkOrder) -> Act:
    choices = [(FIRST, _("First in every queue")), (LAST, _("Last in every queue"))]
    if order.manual_rank:
        choices.append((NORMAL, _("Where its need date puts it")))
    fields = (Field("to", gettext_lazy("Place"), "choice", True, tuple(choices)), NOTE)
    text = gettext_lazy("It stands there at every work center, until it is moved again. The move can be undone.")
    title, label = gettext_lazy("Move the order in the queues"), gettext_lazy("Move in queue")
    return Act("resequence", label, "list", "resequence_order", title, text, fields, weight=3)


def _change(order: WorkOrder) -> Act:
    need = timezone.localtime(order.need_date).strftime("%Y-%m-%d") if order.need_date else ""
    fields = (
        Field("quantity", gettext_lazy("Quantity"), "number", value=shown(order.quantity), unit=order.unit.code),
        Field("need_date", gettext_lazy("Needed"), "date", value=need),
        Field("priority", gettext_lazy("Priority"), "number", value=str(order.priority)),
        Field("customer_order", gettext_lazy("Customer order"), value=order.customer_order),
        NOTE,
    )
    text = gettext_lazy(
        "The order is released, so nothing changes before somebody with the right has decided. What stays as it is "
        "need not be touched."
    )
    title, label = gettext_lazy("Ask for a change"), gettext_lazy("Ask for a change")
    return Act("change", label, "pencil", "request_change", title, text, fields, weight=3)


def _decide(request: ChangeRequest) -> Act:
    choices = (("yes", _("Carry it out")), ("no", _("Reject it")))
    fields = (Field("decision", gettext_lazy("Decision"), "choice", True, choices), NOTE)
    text = _("{who} asks for: {what}.").format(who=request.requested_by_name, what=change_text(request.changes))
    if request.note:
        text = f"{text} „{request.note}“"
    title, label = gettext_lazy("Decide on the change"), gettext_lazy("Decide change")
    return Act("decide", label, "clipboard-check", "decide_change", title, text, fields, weight=0)


def _paper(detail: OrderDetail) -> Act:
    open_steps = [step.operation for step in detail.steps if step.operation.state in states.LIVE_OPERATIONS]
    operations = tuple((str(row.pk), f"{row.sequence} {row.name} · {row.work_center.code}") for row in open_steps)
    everybody = User.objects.filter(site_id=detail.order.site_id).order_by("name")[:PEOPLE]
    people = tuple((str(person.pk), str(person)) for person in everybody)
    ends = (("OPEN", _("No, it goes on")), ("SHORT", _("Yes; what is left is closed short")))
    fields = (
        Field("operation", gettext_lazy("Operation"), "choice", True, operations),
        Field("person", gettext_lazy("Whose hour"), "choice", True, people),
        Field("began", gettext_lazy("Began"), "moment", True),
        Field("ended", gettext_lazy("Ended"), "moment", True),
        Field("good", gettext_lazy("Good"), "number", unit=detail.order.unit.code),
        Field("scrap", gettext_lazy("Scrap"), "number", unit=detail.order.unit.code),
        Field("reason", gettext_lazy("Why scrap"), "choice", reasons="SCRAP"),
        Field("end", gettext_lazy("Operation finished"), "choice", True, ends),
    )
    text = gettext_lazy(
        "For hours written down while the terminals stood still. The record keeps both when it happened and when it "
        "was entered."
    )
    title, label = gettext_lazy("Enter an hour from paper"), gettext_lazy("Enter from paper")
    return Act("paper", label, "file-text", "enter_paper_work", title, text, fields, weight=3)


def _correct(detail: OrderDetail) -> Act:
    rows = [step.operation for step in detail.steps]
    operations = tuple((str(row.pk), f"{row.sequence} {row.name} · {row.work_center.code}") for row in rows)
    unit, hint = detail.order.unit.code, gettext_lazy("The difference, with a minus for fewer.")
    fields = (
        Field("operation", gettext_lazy("Operation"), "choice", True, operations),
        Field("good", gettext_lazy("Good"), "number", unit=unit, hint=hint),
        Field("scrap", gettext_lazy("Scrap"), "number", unit=unit, hint=hint),
        Field("reason", gettext_lazy("Reason"), "choice", True, reasons="SCRAP"),
        Field("note", gettext_lazy("How it was found out"), required=True),
    )
    text = gettext_lazy("The closed records stay as they are; the correction stands beside them with your name.")
    title, label = gettext_lazy("Correct the closed order"), gettext_lazy("Correct")
    return Act("correct", label, "pencil", "correct_order", title, text, fields, weight=2)


def _number(typed: QueryDict, name: str) -> str:
    return typed.get(name, "").strip().replace(",", ".").replace("−", "-") or "0"


def _id(typed: QueryDict, name: str, label: str) -> int:
    text = typed.get(name, "")
    if not (text.isdecimal() and len(text) < 19):
        raise Refused("invalid", field=label, why=_("choose one"))
    return int(text)


def do_resequence(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(resequence_order, order_id=order.pk, to=typed.get("to", ""), note=typed.get("note", "")[:200])
    return _("Order {number} has another place in the queues.").format(number=order.number)


def do_change(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    wanted: dict[str, Any] = {
        "quantity": _number(typed, "quantity"),
        "priority": typed.get("priority", "").strip() or "0",
        "customer_order": typed.get("customer_order", "").strip(),
    }
    need = typed.get("need_date", "").strip()
    kept = timezone.localtime(order.need_date).strftime("%Y-%m-%d") if order.need_date else ""
    if "need_date" in typed and need != kept:
        wanted["need_date"] = need or None
    call(request_change, order_id=order.pk, wanted=wanted, note=typed.get("note", "")[:200])
    return _("The change of order {number} waits for a decision.").format(number=order.number)


def do_decide(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    request = open_request(order)
    if request is None:
        raise Refused("not_found", what=_("Change request"), number=order.number)
    decision = typed.get("decision")
    if decision not in ("yes", "no"):
        raise Refused("invalid", field=_("Decision"), why=_("choose one"))
    call(decide_change, request_id=request.pk, apply=decision == "yes", note=typed.get("note", "")[:200])
    said = _("The change of order {number} is carried out.") if decision == "yes" else _("The change is rejected.")
    return said.format(number=order.number)


def do_paper(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    ends = typed.get("end") == "SHORT"
    call(
        enter_paper_work,
        operation_id=_id(typed, "operation", _("Operation")),
        person_id=_id(typed, "person", _("Whose hour")),
        began=_moment(typed, "began", order),
        ended=_moment(typed, "ended", order),
        good=_number(typed, "good"),
        scrap=_number(typed, "scrap"),
        reason=typed.get("reason") or None,
        completes=ends,
        remainder="SHORT" if ends else None,
    )
    return _("The hour is entered.")


def _moment(typed: QueryDict, name: str, order: WorkOrder) -> datetime:
    """A time of the plant's clock, as a sheet of paper says it."""
    try:
        found = parse_datetime(typed.get(name, ""))
    except ValueError:
        found = None
    if found is None:
        raise Refused("paper_times")
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(order.site.time_zone))


def do_correct(typed: QueryDict, order: WorkOrder, call: Call) -> str:
    call(
        correct_order,
        order_id=order.pk,
        operation_id=_id(typed, "operation", _("Operation")),
        good=_number(typed, "good"),
        scrap=_number(typed, "scrap"),
        reason=typed.get("reason") or None,
        note=typed.get("note", "")[:200],
    )
    return _("Order {number} is corrected.").format(number=order.number)


RUNS: dict[str, Callable[[QueryDict, WorkOrder, Call], str]] = {
    "resequence": do_resequence,
    "change": do_change,
    "decide": do_decide,
    "paper": do_paper,
    "correct": do_correct,
}
