"""The way from an empty plant to its first finished lot: each step done or not, by the facts, with where it is done."""

from dataclasses import dataclass

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from django_stubs_ext import StrOrPromise

from mes.accounts.policies import allows
from mes.screens.desk.pages import site_of
from mes.screens.settings.frame import page

#: One row: for each step whether its fact is there.
FACTS = """
SELECT
  EXISTS (SELECT FROM workorders_workcenter WHERE site_id = %(site)s AND is_active),
  EXISTS (SELECT FROM workorders_shift s JOIN workorders_shiftcalendar c ON c.id = s.calendar_id
           WHERE c.site_id = %(site)s),
  EXISTS (SELECT FROM accounts_user u JOIN accounts_badge b ON b.user_id = u.id AND b.revoked_at IS NULL
           WHERE u.site_id = %(site)s AND u.is_active AND u.pin <> '' AND u.role IN ('operator', 'lead', 'supervisor')),
  EXISTS (SELECT FROM accounts_terminal WHERE site_id = %(site)s AND token IS NOT NULL AND revoked_at IS NULL),
  EXISTS (SELECT FROM workorders_item WHERE site_id = %(site)s AND is_active),
  EXISTS (SELECT FROM workorders_billofmaterials WHERE site_id = %(site)s AND is_active),
  EXISTS (SELECT FROM workorders_routing WHERE site_id = %(site)s AND is_active),
  EXISTS (SELECT FROM workorders_workorder WHERE site_id = %(site)s),
  EXISTS (SELECT FROM workorders_operation o JOIN workorders_workorder w ON w.id = o.order_id
           WHERE w.site_id = %(site)s),
  EXISTS (SELECT FROM workorders_productionreport r JOIN workorders_operation o ON o.id = r.operation_id
            JOIN workorders_workorder w ON w.id = o.order_id WHERE w.site_id = %(site)s AND r.good > 0),
  EXISTS (SELECT FROM traceability_materiallot l JOIN traceability_lotbalance b ON b.lot_id = l.id
           WHERE l.site_id = %(site)s AND l.made_by_id IS NOT NULL AND l.state = 'AVAILABLE' AND b.quantity > 0)
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is, why, where it is done."""

    title: StrOrPromise
    why: StrOrPromise
    url: str
    act: StrOrPromise
    is_done: bool


_STEPS: tuple[tuple[StrOrPromise, StrOrPromise, str, StrOrPromise], ...] = (
    (
        _("A work center"),
        _("The machine, line or bench at which work is done."),
        "/settings/work-centers/?act=add#act",
        _("Add a work center"),
    ),
    (
        _("A shift"),
        _("When the plant works; predicted finishes follow from it. First a calendar, then its shifts."),
        "/settings/shifts/",
        _("Set the shifts"),
    ),
    (
        _("A person with a badge"),
        _("Somebody who works at terminals: an operator, a lead or a supervisor, with badge and PIN."),
        "/settings/people/?act=add#act",
        _("Add a person"),
    ),
    (
        _("A terminal"),
        _("A browser at the work center, paired once; there badges and PINs count."),
        "/settings/terminals/",
        _("Pair a terminal"),
    ),
    (
        _("An item"),
        _("What is made, and what it is made of. Tracked by lot, each order's pieces can be traced."),
        "/settings/items/?act=add#act",
        _("Add an item"),
    ),
    (
        _("A bill of materials"),
        _("Which components one piece takes. On the page of the item that is made."),
        "/settings/items/",
        _("Choose the item"),
    ),
    (
        _("A routing"),
        _("By which steps it is made, and at which work centers. On the page of the item, too."),
        "/settings/items/",
        _("Choose the item"),
    ),
    (_("An order"), _("How many of it are wanted, and until when."), "/orders/new/", _("Key in an order")),
    (
        _("The order released"),
        _("Released, it stands in the list of its work center. On the page of the order."),
        "/orders/",
        _("Open the orders"),
    ),
    (
        _("The first good piece"),
        _("At the terminal: scan the badge, enter the PIN, start the job, report what was made."),
        "/t/",
        _("Open the terminal"),
    ),
    (
        _("The finished lot in stock"),
        _("When the job is completed, its lot lies at the work center's location."),
        "/trace/",
        _("Look at the lots"),
    ),
)


def steps_of(site_id: int) -> list[Step]:
    """The steps of a plant with what is done. One query."""
    with connection.cursor() as cursor:
        cursor.execute(FACTS, {"site": site_id})
        facts = cursor.fetchone()
    return [Step(*step, is_done=bool(fact)) for step, fact in zip(_STEPS, facts, strict=True)]


@allows("view_settings")
@require_safe
def first_steps_page(request: HttpRequest) -> HttpResponse:
    """The checklist; the first open step stands out."""
    steps = steps_of(site_of(request).pk)
    following = next((place for place, step in enumerate(steps) if not step.is_done), None)
    done = sum(step.is_done for step in steps)
    context = {"steps": steps, "following": following, "done": done, "percent": done * 100 / len(steps)}
    return page(request, "desk/settings/first_steps.html", context)
