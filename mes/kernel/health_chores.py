"""How the work that nobody waits for goes: deliveries and who drains them, backups, anchors, proofs, deletions."""

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from mes.kernel import chores
from mes.kernel.chores import Done
from mes.kernel.health import BAD, SAFETY, WARN, WELL, WORK, Finding, by_age, register, span

HOUR, DAY = 3600.0, 86_400.0
#: Seconds a delivery may wait before somebody should look.
WAITS_WARN, WAITS_BAD = 60.0, 300.0

_OWED = """
SELECT count(*) FILTER (WHERE d.status = 'OPEN')::int, count(*) FILTER (WHERE d.status = 'PARKED')::int,
       coalesce(extract(epoch FROM clock_timestamp() - min(e.recorded_at) FILTER (WHERE d.status = 'OPEN')), 0)::float8,
       (SELECT parked_reason FROM kernel_delivery WHERE status = 'PARKED' ORDER BY event_id LIMIT 1)
  FROM kernel_delivery d JOIN kernel_event e ON e.id = d.event_id WHERE d.status IN ('OPEN', 'PARKED')
"""


def deliveries() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_OWED)
        owed, parked, oldest, reason = cursor.fetchone()
    numbers = {"deliveries_open": float(owed), "deliveries_parked": float(parked), "delivery_oldest_seconds": oldest}
    title = _("News to be passed on")
    level = BAD if oldest > WAITS_BAD else WARN if oldest > WAITS_WARN or parked else WELL
    says = _("{n} are on their way.").format(n=owed) if owed else _("Everything has been passed on.")
    remedy = ""
    if oldest > WAITS_WARN:
        says = _("{n} wait, the oldest for {age}.").format(n=owed, age=span(oldest))
        remedy = _("See “Worker” below. Nothing is lost; they go in order as soon as one runs.")
    if parked:
        says += " " + _("{n} were given up: {reason}").format(n=parked, reason=reason)
        remedy = remedy or _("Tell whoever maintains this software; later news of the same subject wait behind them.")
    yield Finding("deliveries", WORK, level, title, says, remedy, numbers=numbers)
    yield _worker(chores.all_done().get("deliveries"))


def _worker(done: Done | None) -> Finding:
    age = done.age if done else None
    level = by_age(age, 60, 300)
    numbers = {"worker_last_seconds": age} if age is not None else {}
    says = (
        _("No worker has ever looked what is to be passed on.")
        if age is None
        else _("One looked {age} ago what is to be passed on.").format(age=span(age))
    )
    remedy = "" if level == WELL else _("Start the service worker and the clock beat; then look into their logs.")
    return Finding("worker", WORK, level, _("Worker"), says, remedy, numbers=numbers)


def safety() -> Iterator[Finding]:
    """Everything `keep_house` does, and whether it lives."""
    done = chores.all_done()
    if settings.BACKUP_HOURS > 0:
        every = settings.BACKUP_HOURS * HOUR
        remedy = _("Read what the last one said, make room or fix the folder, and run manage.py backup FOLDER.")
        yield _chore("backup", _("Backup"), done, every * 1.5, every * 3, remedy)
    else:
        says = _("None is taken by itself (MES_BACKUP_HOURS is 0).")
        remedy = _("Make sure that the database is backed up in another way, and that a restore is practised.")
        yield Finding("backup", SAFETY, WARN, _("Backup"), says, remedy)
    if settings.ANCHOR_MINUTES > 0:
        every = settings.ANCHOR_MINUTES * 60.0
        remedy = _("Look whether MES_ANCHOR_DIR can be written; without anchors a cut log cannot be seen.")
        yield _chore("anchors", _("Anchors of the event log"), done, every * 2 + 600, every * 12, remedy)
    remedy = _("Hold the subject that is named, do not repair rows by hand, and ask whoever maintains this software.")
    yield _chore("proof", _("Proof of data and log"), done, 1.5 * DAY, 7 * DAY, remedy)
    remedy = _("See the log of keep_house; tables grow until it goes on.")
    yield _chore("retention", _("Deletion of what is over its time"), done, 3 * DAY, 14 * DAY, remedy)
    yield _keeper(done.get("keeper"))
    restored = done.get("restore")
    if restored and restored.age < 30 * DAY:
        says = _("{age} ago this database was restored: {says}").format(age=span(restored.age), says=restored.says)
        level = WELL if restored.is_good else BAD
        remedy = (
            "" if restored.is_good else _("It was not proved: run check_invariants and verify_events and read them.")
        )
        yield Finding("restore", SAFETY, level, _("Restore"), says, remedy)


def _chore(name: str, title: str, all_done: dict[str, Done], warn: float, bad: float, remedy: str) -> Finding:
    """A chore by the age of its last success, and what the last try said when that failed."""
    done, keeper = all_done.get(name), all_done.get("keeper")
    if done is None:
        if keeper and keeper.age < 300:
            return Finding(name, SAFETY, WELL, title, _("Not done yet; it comes some minutes after the start."))
        return Finding(name, SAFETY, WARN, title, _("Never done."), _("Start the service keeper, which does it."))
    level = BAD if done.good_age is None else by_age(done.good_age, warn, bad)
    if not done.is_good:
        level = BAD if name == "proof" or level == BAD else WARN
        last = _("never") if done.good_age is None else _("{age} ago").format(age=span(done.good_age))
        says = _("The last try failed: {why} Last success: {last}.").format(why=_sentence(done.says), last=last)
    else:
        says = _("{age} ago: {says}").format(age=span(done.age), says=_sentence(done.says))
    numbers = {f"{name}_age_seconds": done.good_age} if done.good_age is not None else {}
    return Finding(name, SAFETY, level, title, says, "" if level == WELL else remedy, numbers=numbers)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _keeper(done: Done | None) -> Finding:
    age = done.age if done else None
    level = by_age(age, 300, 3600)
    says = (
        _("keep_house has never run.") if age is None else _("keep_house looked {age} ago what is due.").format(
            age=span(age)
        )
    )  # fmt: skip
    remedy = (
        "" if level == WELL else _("Start the service keeper (manage.py keep_house): it backs up, anchors, proves.")
    )
    numbers = {"keeper_last_seconds": age} if age is not None else {}
    return Finding("keeper", SAFETY, level, _("Keeper of the house"), says, remedy, numbers=numbers)


register("deliveries", deliveries)
register("safety", safety)
