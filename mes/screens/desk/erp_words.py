"""Connections and messages in words: chips, sentences, rows. Decides nothing and asks the database nothing."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from erp_sync import states
from erp_sync.facts import Disposition, OrderCompletion
from erp_sync.messages import REFUSED
from erp_sync.models import InboundRecord, OutboundAttempt, OutboundMessage, SyncRun
from erp_sync.queries.monitor import Health, HourOfRuns, masked
from erp_sync.queries.pulls import JobState
from mes.kernel.canonical import decimal_text
from mes.screens.desk.pages import in_path
from mes.screens.templatetags.mes import clock

#: A message that waits longer than this is worth a word.
LAGS = timedelta(minutes=1)
STRIP_HEIGHT, STRIP_LEAST = 26, 3


@dataclass(frozen=True, slots=True)
class Word:
    """A state as chip: its sign, its word and the sentence beside it."""

    state: str
    word: str
    line: str


def health_word(health: Health, now: datetime) -> Word:
    """The worst first: stopped, paused, not reachable, needs a person, incomplete, lagging, healthy."""
    connection = health.connection
    if connection.state == states.STOPPED:
        return Word("late", _("stopped"), connection.state_reason)
    if connection.state == states.PAUSED:
        return Word("idle", _("paused"), connection.state_reason)
    if health.unreachable:
        text = _("{why} The floor goes on; what is finished meanwhile is told when the ERP is back.")
        return Word("down", _("not reachable"), text.format(why=connection.last_error))
    if health.parked:
        text = ngettext("{count} message needs a person.", "{count} messages need a person.", health.parked)
        return Word("risk", _("needs you"), text.format(count=health.parked))
    if health.incomplete:
        text = ngettext(
            "{count} record of the ERP is incomplete and waits for what it lacks.",
            "{count} records of the ERP are incomplete and wait for what they lack.",
            health.incomplete,
        )
        return Word("risk", _("incomplete"), text.format(count=health.incomplete))
    if health.oldest_waiting is not None and now - health.oldest_waiting > LAGS:
        text = _("A message has been waiting since {time}.").format(time=clock(health.oldest_waiting))
        return Word("risk", _("lagging"), text)
    if connection.last_in_at is None and connection.last_out_at is None:
        return Word("wait", _("not tried yet"), _("The first contact happens with the next run."))
    return Word("ok", _("healthy"), _("Everything that was finished is confirmed."))


def card(health: Health, now: datetime) -> dict[str, Any]:
    connection = health.connection
    word = health_word(health, now)
    return {
        "id": connection.pk,
        "name": connection.name,
        "adapter": health.adapter_label,
        "state": word.state,
        "word": word.word,
        "line": word.line,
        "facts": [
            (_("Last in"), when(connection.last_in_at)),
            (_("Last out"), when(connection.last_out_at)),
            (_("Waiting"), str(health.waiting)),
            (_("Need a person"), str(health.parked)),
            (_("Incomplete"), str(health.incomplete)),
            (_("Next run"), _next_run(health, now)),
        ],
        "strip": strip(health.hours),
        "strip_label": strip_label(health.hours),
        "is_active": connection.state == states.ACTIVE,
        "parked": health.parked,
    }


def _next_run(health: Health, now: datetime) -> str:
    if health.connection.state != states.ACTIVE or health.next_run is None:
        return _("none")
    return _("due now") if health.next_run <= now else when(health.next_run)


def when(moment: datetime | None) -> str:
    """A time of today by the clock, an older one with its day."""
    if moment is None:
        return _("never")
    local = timezone.localtime(moment)
    if local.date() == timezone.localdate():
        return local.strftime("%H:%M:%S")
    return local.strftime("%d.%m. %H:%M")


def strip(hours: list[HourOfRuns]) -> list[dict[str, str]]:
    """The bars of a day, an hour each, as SVG attributes in per cent."""
    most = max((hour.read for hour in hours), default=0) or 1
    width = 100 / max(len(hours), 1)
    bars = []
    for place, hour in enumerate(hours):
        seen = hour.read or hour.failed
        height = max(hour.read / most * STRIP_HEIGHT, STRIP_LEAST) if seen else STRIP_LEAST - 1
        kind = "st-down" if hour.failed else "st-warn" if hour.parked else "st-norm" if seen else "c-none"
        bars.append(
            {
                "kind": kind,
                "x": f"{place * width:.2f}%",
                "width": f"{width * 0.72:.2f}%",
                "y": f"{28 - height:.1f}",
                "height": f"{height:.1f}",
            }
        )
    return bars


def strip_label(hours: list[HourOfRuns]) -> str:
    failed = sum(1 for hour in hours if hour.failed)
    if failed:
        text = ngettext(
            "Runs of 24 hours: failures in {count} hour", "Runs of 24 hours: failures in {count} hours", failed
        )
        return text.format(count=failed)
    if not any(hour.read for hour in hours):
        return _("Runs of 24 hours: nothing new")
    return _("Runs of 24 hours: all good")


# ------------------------------------------------------------------------------------------------------------ messages


def message_chip(message: OutboundMessage) -> tuple[str, str]:
    words = {
        states.PENDING: ("wait", _("retrying") if message.attempts or message.reason else _("waiting")),
        states.POSTED: ("ok", _("posted")),
        states.PARKED: ("bad", _("needs you")),
        states.CANCELLED: ("idle", _("cancelled")),
        states.SKIPPED: ("idle", _("skipped")),
    }
    return words[message.state]


def message_row(message: OutboundMessage, url: str, *, chosen: bool) -> dict[str, Any]:
    state, word = message_chip(message)
    return {
        "url": url,
        "chosen": chosen,
        "at": when(message.created_at),
        "what": kind_word(message),
        "about": about(message),
        "state": state,
        "word": word,
        "tries": message.attempts,
    }


def kind_word(message: OutboundMessage) -> str:
    return _("Completion") if message.kind == OutboundMessage.COMPLETION else _("Reopened here")


def about(message: OutboundMessage) -> str:
    if message.kind != OutboundMessage.COMPLETION:
        return message.label
    fact = OrderCompletion.from_json(message.payload)
    good = fact.total(Disposition.GOOD)
    unit = fact.outputs[0].unit if fact.outputs else ""
    return _("{order}, {quantity} {unit} good").format(order=message.label, quantity=decimal_text(good), unit=unit)


def message_detail(message: OutboundMessage, history: list[OutboundAttempt], behind: int) -> dict[str, Any]:
    state, word = message_chip(message)
    completion = message.kind == OutboundMessage.COMPLETION
    parked = message.state == states.PARKED
    return {
        "id": message.pk,
        "title": f"{kind_word(message)} {about(message)}",
        "state": state,
        "word": word,
        "to": message.connection.name,
        "key": str(message.key),
        "meaning": meaning(message, behind),
        "attempts": [attempt_row(one) for one in history],
        "next": next_try(message),
        "lines": sent_lines(message) if completion else [],
        "differences": message.differences,
        "payload": json.dumps(masked(message.payload), indent=2, ensure_ascii=False),
        "order_url": f"/orders/{in_path(message.label, int(message.partition.partition(':')[2]))}/",
        "order": message.label,
        "may_retry": parked and completion,
        "may_accept": parked and completion and message.error_class == "NeedsDecision",
        "may_skip": parked,
        "may_post_again": message.state == states.POSTED,
    }


def meaning(message: OutboundMessage, behind: int) -> str:
    """What the message's state means for whoever looks at it, in full sentences."""
    if message.state == states.POSTED:
        text = _("{connection} holds it under the key {key} since {time}.").format(
            connection=message.connection.name, key=message.erp_key, time=when(message.posted_at)
        )
        if message.differences:
            text += " " + _("But the figures there differ from ours; look below.")
        return text
    if message.state == states.SKIPPED:
        return _("Settled by hand by {who}: {why}").format(who=message.settled_by, why=message.reason)
    text = message.reason or _("It waits for its turn.")
    if behind:
        more = ngettext(
            "{count} later message of {order} waits behind this one.",
            "{count} later messages of {order} wait behind this one.",
            behind,
        )
        text += " " + more.format(count=behind, order=message.label)
    return text


def attempt_row(attempt: OutboundAttempt) -> dict[str, Any]:
    good = attempt.outcome in ("POSTED", "ALREADY_POSTED")
    by_person = bool(attempt.actor_name)
    words = {
        "POSTED": _("posted"),
        "ALREADY_POSTED": _("found posted"),
        "Unreachable": _("not reachable"),
        "Ambiguous": _("no clear answer"),
        "Throttled": _("asked to wait"),
        "AuthExpired": _("session ended"),
        "AuthDenied": _("rights refused"),
        "Locked": _("busy there"),
        "Stale": _("changed there"),
        "NeedsDecision": _("question"),
        "Rejected": _("refused"),
        "UnknownReference": _("unknown there"),
        "UnitMismatch": _("unit"),
        "ContractError": _("other version"),
        "Bug": _("error here"),
        "accepted": _("accepted"),
        "retried": _("retried"),
        "skipped": _("skipped"),
        "cancelled": _("cancelled"),
        "posted again": _("told again"),
    }
    return {
        "sign": "s-ok" if good else "s-info" if by_person else "s-bad",
        "good": good,
        "at": when(attempt.at),
        "word": words.get(attempt.outcome, attempt.outcome),
        "text": _("by {who}").format(who=attempt.actor_name) if by_person else attempt.text,
        "took": attempt.milliseconds,
    }


def next_try(message: OutboundMessage) -> str:
    if message.state == states.PARKED:
        return _("No automatic try: this needs a person.")
    if message.state != states.PENDING:
        return ""
    if message.connection.state != states.ACTIVE:
        return _("No automatic try while the connection rests.")
    at = max(filter(None, [message.not_before, message.connection.resume_at]))
    return _("Next try at {time}.").format(time=when(at)) if at > timezone.now() else _("Next try within seconds.")


def sent_lines(message: OutboundMessage) -> list[dict[str, str]]:
    """What the fact says, line by line."""
    fact = OrderCompletion.from_json(message.payload)
    rows = [{"what": _("Order there"), "value": fact.order, "note": fact.order_key}]
    rows += [
        {"what": _("Used"), "value": f"{line.item} {line.lot or ''}".strip(), "note": _amount(line.quantity, line.unit)}
        for line in fact.consumed
    ]
    rows += [
        {
            "what": _("Time"),
            "value": line.name,
            "note": duration_text(line.duration),
        }
        for line in fact.operations
    ]
    rows += [
        {
            "what": _("Good") if line.disposition is Disposition.GOOD else _("Scrap"),
            "value": f"{line.item} {line.lot or ''}".strip(),
            "note": _amount(line.quantity, line.unit),
        }
        for line in fact.outputs
    ]
    return rows


def _amount(quantity: Any, unit: str) -> str:
    return f"{decimal_text(quantity)} {unit}"


def duration_text(duration: timedelta) -> str:
    """Minutes, and seconds where minutes would say too little."""
    if duration < timedelta(minutes=10):
        return _("{seconds} s").format(seconds=f"{duration / timedelta(seconds=1):.1f}".removesuffix(".0"))
    return _("{minutes} min").format(minutes=f"{duration / timedelta(minutes=1):.1f}".removesuffix(".0"))


def run_row(run: SyncRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "at": when(run.started_at),
        "connection": run.job.connection.name,
        "entity": entity_word(run.job.entity),
        "failed": run.outcome == SyncRun.FAILED,
        "running": run.outcome == SyncRun.RUNNING,
        "read": run.read,
        "created": run.created,
        "updated": run.updated,
        "unchanged": run.unchanged,
        "parked": run.parked,
        "error": run.error,
    }


def took(run: SyncRun) -> str:
    return duration_text(run.ended_at - run.started_at) if run.ended_at else _("still running")


def job_row(state: JobState, now: datetime) -> dict[str, Any]:
    """A schedule: what is asked for, how often, when next, how it went."""
    job = state.job
    going = job.leased_until is not None and job.leased_until > now
    words = {SyncRun.FAILED: ("bad", _("failed")), SyncRun.GOOD: ("ok", _("good")), SyncRun.RUNNING: ("run", _("runs"))}
    chip = words.get(state.outcome, ("idle", _("nothing yet")))
    return {
        "id": job.pk,
        "what": entity_word(job.entity),
        "seconds": job.interval_seconds,
        "next": _("runs now") if going else _("due now") if job.next_due_at <= now else when(job.next_due_at),
        "state": chip[0],
        "word": chip[1],
        "error": state.error if state.outcome == SyncRun.FAILED else "",
    }


def record_row(record: InboundRecord) -> dict[str, Any]:
    """A record of the ERP: what it is, what became of it, why."""
    outcomes = {
        "created": ("ok", _("new")),
        "updated": ("ok", _("changed")),
        "unchanged": ("done", _("unchanged")),
        "rejected": ("risk", _("with blockers")),
    }
    states_ = {
        InboundRecord.NEW: ("wait", _("waits")),
        InboundRecord.PARKED: ("late", _("incomplete")),
        InboundRecord.SUPERSEDED: ("idle", _("overtaken")),
        InboundRecord.SET_ASIDE: ("idle", _("set aside")),
        InboundRecord.APPLIED: outcomes.get(record.outcome, ("done", record.outcome)),
    }
    state, word = states_[record.state]
    refused = record.body.get("file") if REFUSED in record.body else None
    return {
        "id": record.pk,
        "what": _("File") if refused else entity_word(record.entity),
        "key": refused or record.key,
        "state": state,
        "word": word,
        "reason": record.reason,
        "changed": when(record.modified_at),
        "came": when(record.received_at),
    }


def entity_word(entity: str) -> str:
    return {
        "unit": _("Units"),
        "item": _("Items"),
        "work_center": _("Work centers"),
        "bom": _("Bills of materials"),
        "routing": _("Routings"),
        "lot": _("Lots"),
        "order": _("Orders"),
    }.get(entity, entity)
