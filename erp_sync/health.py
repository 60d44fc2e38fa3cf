"""How the talk with each ERP goes, for the health page and monitoring. The connections page has the details."""

from collections.abc import Iterator

from django.db import connection as database
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from erp_sync import states
from mes.kernel import chores
from mes.kernel.health import BAD, ERP, WARN, WELL, Finding, by_age, register, span

WAITS_WARN, WAITS_BAD = 60.0, 300.0

_CONNECTIONS = """
SELECT c.name, c.state, c.state_reason, c.failures, c.last_error,
       count(m.id) FILTER (WHERE m.state = 'PENDING')::int, count(m.id) FILTER (WHERE m.state = 'PARKED')::int,
       coalesce(extract(epoch FROM clock_timestamp() - min(m.created_at) FILTER (WHERE m.state = 'PENDING')), 0)
           ::float8,
       coalesce((SELECT max(extract(epoch FROM clock_timestamp() - j.next_due_at))
                   FROM erp_sync_syncjob j WHERE j.connection_id = c.id), 0)::float8
  FROM erp_sync_erpconnection c
  LEFT JOIN erp_sync_outboundmessage m ON m.connection_id = c.id AND m.state IN ('PENDING', 'PARKED')
 GROUP BY c.id ORDER BY c.name
"""


def connections() -> Iterator[Finding]:
    with database.cursor() as cursor:
        cursor.execute(_CONNECTIONS)
        rows = cursor.fetchall()
    for name, state, why, failures, error, pending, parked, oldest, late in rows:
        level, says, remedy = _judged(state, why, failures, error, parked, oldest, late)
        numbers = {
            "outbox_pending": float(pending),
            "outbox_parked": float(parked),
            "outbox_age_seconds": oldest,
            "pull_late_seconds": max(0.0, late),
        }
        yield Finding("erp", ERP, level, name, says, remedy, name, numbers)
    if rows:
        yield _teller()


def _judged(
    state: str, why: str, failures: int, error: str, parked: int, oldest: float, late: float
) -> tuple[str, str, str]:
    """The worst first."""
    if state == states.STOPPED:
        return BAD, why, _("Put right what is named, then resume it on the page ERP.")
    if failures and oldest > WAITS_BAD:
        says = _("It cannot be reached, and messages wait for {age}: {error}").format(age=span(oldest), error=error)
        return BAD, says, _("Look whether the ERP runs and the network is there. The floor goes on.")
    if oldest > WAITS_BAD and state == states.ACTIVE:
        return BAD, _("Messages wait for {age}.").format(age=span(oldest)), _("See “Teller” below.")
    if state == states.PAUSED:
        return WARN, why, _("Resume it on the page ERP when the reason is gone.")
    if failures:
        return WARN, _("It cannot be reached: {error}").format(error=error), _("It is tried again by itself.")
    if parked:
        says = ngettext("{n} message needs a person.", "{n} messages need a person.", parked).format(n=parked)
        return WARN, says, _("Open the page ERP, messages that need a person.")
    if oldest > WAITS_WARN:
        return WARN, _("Messages wait for {age}.").format(age=span(oldest)), _("See “Teller” below.")
    if late > 900:
        return WARN, _("News from it are {age} late.").format(age=span(late)), _("Start the service worker-erp.")
    return WELL, _("Everything is told, news are fetched."), ""


def _teller() -> Finding:
    done = chores.all_done().get("telling")
    age = done.age if done else None
    level = by_age(age, 180, 600)
    says = (
        _("No worker has ever looked what ERPs must be told.")
        if age is None
        else _("A worker looked {age} ago what ERPs must be told.").format(age=span(age))
    )
    remedy = "" if level == WELL else _("Start the service worker-erp and the clock beat; then look into their logs.")
    numbers = {"teller_last_seconds": age} if age is not None else {}
    return Finding("teller", ERP, level, _("Teller"), says, remedy, numbers=numbers)


register("erp", connections)
