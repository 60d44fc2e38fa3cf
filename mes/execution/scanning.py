"""One answer to every scan: what was read, what came of it, what is next. API and terminal both ask here alone.

The order of reading is fixed: what the screen waits for, our own codes, GS1 symbols, then every kind of number. Several
things of one name are a question. What a thing means on a page is in `scan_pages`, the acts are in `scan_acts`.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from mes.execution import scan_acts, scan_matches
from mes.execution.scan_acts import Plan
from mes.execution.scan_answers import QUESTION, REFUSED, UNKNOWN, Choice, ScanAnswer, from_json, refused_by
from mes.execution.scan_matches import Match
from mes.execution.scan_pages import DESK, HOME, JOB, LOCK, PAGES, Context, meaning, quantity
from mes.kernel import scanning
from mes.kernel.actors import Actor
from mes.kernel.canonical import digest
from mes.kernel.commands import Outcome, authorise, run
from mes.kernel.errors import Busy, Refused
from mes.kernel.models import CommandReceipt, ScanLog
from mes.kernel.scanning import Kind, PlainText, ScannedCode, ScannedGs1, SeveralCodes
from workorders.models import Operation, OrderMaterial, Site

MOST_CHOICES = 8


def read_scan(
    *,
    actor: Actor,
    code: str,
    operation_id: int | None = None,
    act: bool = False,
    command_id: UUID | None = None,
    page: str = "",
    expect: Collection[str] = (),
    location: str | None = None,
    work_center_id: int | None = None,
    hosts: Collection[str] | None = None,
    fingerprint: bytes | None = None,
) -> ScanAnswer:
    """Answer the scan CODE made by ACTOR on PAGE (see `scan_pages.PAGES`) with the job OPERATION_ID open.

    Everybody with `read_scan` may ask. EXPECT names the kinds the screen waits for; LOCATION is where material is drawn
    from; HOSTS are the names this plant's own labels carry. Without ACT nothing is written but the scan log, and the
    answer says what ACT would do, or why it would be refused. With ACT and COMMAND_ID the act is done and leaves the
    receipt of that act; the same id again gives the stored answer. Refusals of the act are answers here. Raises
    `forbidden`, `not_found` for the operation, `invalid` for the page, `idempotency_key_reused`, `Busy`.
    """
    authorise(actor, "read_scan")
    if act and command_id is None:
        raise Refused("unparseable", why=_("an act needs a command id"))
    if page and page not in PAGES:
        raise Refused("invalid", field="page", why=_("choose one of {choices}").format(choices=", ".join(PAGES)))
    context = Context(
        actor=actor,
        page=page or (JOB if operation_id is not None else HOME if actor.terminal_id else DESK),
        operation=_operation(actor, operation_id),
        work_center_id=work_center_id,
        location=location,
        expect=expect,
        command_id=command_id,
    )
    if act and command_id is not None:
        readable = code.encode("utf-8", "backslashreplace").decode()
        mark = fingerprint or digest(["read_scan", actor.source, readable, operation_id, context.page, location])
        return _acted(context, code, hosts, command_id, mark)
    answer = _offered(context, code, hosts)
    _log(context, code, answer)
    return answer


def _operation(actor: Actor, operation_id: int | None) -> Operation | None:
    if operation_id is None:
        return None
    found = (
        Operation.objects.filter(pk=operation_id, order__site_id=actor.site_id)
        .select_related("order__item__unit", "order__unit", "order__site", "work_center__location")
        .first()
    )
    if found is None:
        raise Refused("not_found", what=_("Operation"), number=operation_id)
    return found


def _acted(
    context: Context, code: str, hosts: Collection[str] | None, command_id: UUID, fingerprint: bytes
) -> ScanAnswer:
    """Read and act in one transaction. What does nothing leaves no receipt."""
    answers: list[ScanAnswer] = []

    def body() -> Outcome:
        decision = _decide(context, code, hosts)
        if isinstance(decision, ScanAnswer):
            answers[:] = [decision]
            return Outcome(200, decision.as_json(), effect=False)
        answers[:] = [decision.offer]
        answer = decision.perform(command_id)
        answers[:] = [answer]
        _log(context, code, answer)
        # The receipt bears the name of the act, so that undo and rights know it for what it was.
        CommandReceipt.objects.filter(pk=command_id).update(name=answer.action)
        return Outcome(200, answer.as_json())

    try:
        outcome = run(name="read_scan", actor=context.actor, command_id=command_id, fingerprint=fingerprint, body=body)
    except Refused as refusal:
        if isinstance(refusal, Busy) or refusal.reason == "idempotency_key_reused" or not answers:
            raise
        answer = refused_by(refusal, answers[0].what, answers[0].subject, answers[0].action)
        _log(context, code, answer)
        return answer
    if outcome.replayed:
        return from_json(outcome.body)
    if not outcome.effect:
        _log(context, code, answers[0])
    return answers[0]


def _offered(context: Context, code: str, hosts: Collection[str] | None) -> ScanAnswer:
    """What acting would do. It is tried in a transaction that is rolled back, so that offer and act never differ."""
    decision = _decide(context, code, hosts)
    if isinstance(decision, ScanAnswer):
        return decision
    trial = uuid4()

    def body() -> Outcome:
        decision.perform(trial)
        return Outcome(200, None, effect=False)

    try:
        run(name="read_scan", actor=context.actor, command_id=trial, fingerprint=b"", body=body)
    except Busy:
        raise
    except Refused as refusal:
        return refused_by(refusal, decision.offer.what, decision.offer.subject, decision.offer.action)
    return decision.offer


def _log(context: Context, code: str, answer: ScanAnswer) -> None:
    visible = "".join(char if char.isprintable() else "�" for char in code[: ScanLog.CODE_LENGTH])
    is_badge = answer.subject is not None and answer.subject.kind == "badge"
    ScanLog.objects.create(
        site_id=context.actor.site_id,
        actor_kind=context.actor.kind,
        actor_id=context.actor.id,
        actor_name=context.actor.name,
        terminal_id=context.actor.terminal_id,
        operation_id=context.operation.pk if context.operation else None,
        code="•••" if is_badge else visible,
        verdict=answer.verdict,
        reason=answer.reason,
        command_id=answer.undo,
    )


# -- reading -------------------------------------------------------------------------------------------------------


def _decide(context: Context, code: str, hosts: Collection[str] | None) -> ScanAnswer | Plan:
    """What CODE is and what follows from it. A refusal before any act is an answer too."""
    scan = scanning.parse(code, hosts=hosts)
    if isinstance(scan, scanning.Refused) and scan.reason == "check_character":
        # A supplier's number may look like a code of ours whose check character is wrong.
        scan = PlainText(scan.text) if scan_matches.by_text(context.actor.site_id, scan.text) else scan
    if isinstance(scan, scanning.Refused):
        what = scan.text or _("Nothing")
        detail = f" {scan.detail}" if scan.detail else ""
        return ScanAnswer(REFUSED, scan.reason, what, f"{scan.sentence.message}{detail}", str(scan.sentence.remedy))
    if isinstance(scan, SeveralCodes):
        sentence = scanning.SENTENCES[scan.reason]
        parts = tuple(Choice("code", 0, text, text, text) for text in scan.texts[:MOST_CHOICES])
        what = _("{count} codes").format(count=len(scan.texts))
        return ScanAnswer(REFUSED, scan.reason, what, str(sentence.message), str(sentence.remedy), parts)
    if isinstance(scan, ScannedCode) and scan.kind is Kind.COMMAND:
        return _command(context, scan.payload)
    if isinstance(scan, ScannedCode) and scan.kind is Kind.QUANTITY:
        return quantity(context, scan.payload)
    what = scan.payload if isinstance(scan, ScannedCode) else scan.text
    what = "".join(char if char.isprintable() else " " for char in what)
    try:
        refused = _unusable_label(context, scan, what)
        if refused is not None:
            return refused
        match = _one_of(context, _matches(context.actor.site_id, scan), what)
        if isinstance(match, ScanAnswer):
            return match
        what = match.text
        return meaning(context, match)
    except Refused as refusal:
        return refused_by(refusal, what)


def _command(context: Context, name: str) -> ScanAnswer | Plan:
    what = _("Command {name}").format(name=name)
    if context.page == LOCK:
        return ScanAnswer(REFUSED, "not_here", what, _("Nobody is signed in."), _("Scan your badge first."))
    if context.page == DESK:
        nxt = _("Scan it at a terminal with the job open.")
        return ScanAnswer(REFUSED, "not_here", what, _("Commands do nothing on this page."), nxt)
    if name in ("YES", "NO"):
        nxt = _("Scan what you want to work with.")
        return ScanAnswer(REFUSED, "no_question", what, _("No question is open."), nxt)
    try:
        return scan_acts.command(context.actor, context.operation, name)
    except Refused as refusal:
        return refused_by(refusal, what, Choice("command", 0, name, what))


def _matches(site_id: int, scan: Any) -> list[Match]:
    if isinstance(scan, ScannedCode):
        return scan_matches.by_code(site_id, scan.kind, scan.number, scan.id)
    if isinstance(scan, ScannedGs1):
        found = scan_matches.by_gs1(site_id, scan.data)
        # Digits that only look like a symbol may be somebody's plain number.
        return found if found or scan.sure else scan_matches.by_text(site_id, scan.text)
    return scan_matches.by_text(site_id, scan.text)


def _unusable_label(context: Context, scan: Any, what: str) -> ScanAnswer | None:
    """A supplier's label that says itself that it must not be used, or that the scanner has garbled."""
    if not isinstance(scan, ScannedGs1):
        return None
    site_id = context.actor.site_id
    if scan_matches.separators_lost(site_id, scan.data, scan.text) and not scan_matches.by_gs1(site_id, scan.data):
        sentence = scanning.SENTENCES["gs1_too_long"]
        happened = _("The scanner swallows the separators inside this label; the lot cannot be told.")
        return ScanAnswer(REFUSED, "gs1_separators", what, happened, str(sentence.remedy))
    ends = scan.data.expires
    if ends is not None and ends < _today(site_id):
        shown = formats.date_format(ends, "SHORT_DATE_FORMAT")
        happened = _("The label says that it expired on {date}.").format(date=shown)
        return ScanAnswer(REFUSED, "label_expired", what, happened, _("Use another lot, and put this one aside."))
    return None


def _today(site_id: int) -> date:
    zone = Site.objects.values_list("time_zone", flat=True).get(pk=site_id)
    return timezone.now().astimezone(ZoneInfo(zone)).date()


def _one_of(context: Context, matches: list[Match], what: str) -> Match | ScanAnswer:
    if not matches:
        happened = _("“{text}” is not known here.").format(text=what)
        return ScanAnswer(UNKNOWN, "unknown", what, happened, _("Look it up, or ask the supervisor."))
    needed: list[int] = []
    if len(matches) > 1 and context.operation is not None:
        needed = list(OrderMaterial.objects.filter(operation=context.operation).values_list("item_id", flat=True))
    matches = scan_matches.narrow(matches, expect=context.expect, needed=needed, operation=context.operation)
    if len(matches) == 1:
        return matches[0]
    choices = tuple(match.as_choice() for match in matches[:MOST_CHOICES])
    happened = _("“{text}” means {count} things here.").format(text=what, count=len(matches))
    return replace(ScanAnswer(QUESTION, "ambiguous", what, happened, _("Choose what was meant.")), choices=choices)
