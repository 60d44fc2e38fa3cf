"""Every scan of every page of the terminal. What it means is decided by `mes.execution.scanning`; here the screen
follows: the lock asks for the PIN, a job opens, a field is filled.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mes.accounts import badges
from mes.execution import runs, scanning
from mes.execution.scan_acts import next_step
from mes.execution.scan_answers import Choice, ScanAnswer
from mes.kernel.actors import SYSTEM, Actor
from mes.kernel.errors import Refused
from mes.screens.terminal import access, job_view
from mes.screens.terminal.access import Station, enrolled
from mes.screens.terminal.band import GOOD, REFUSED, Band, BandChoice, put, refused_band
from workorders.models import Operation


@dataclass(frozen=True)
class _Asked:
    """One scan as the page sent it."""

    code: str
    command_id: UUID
    page: str
    operation_id: int | None


def _asked(request: HttpRequest) -> _Asked:
    """Raises `unparseable` for a scan without an id or with a context that is not ours."""
    try:
        context = json.loads(request.POST.get("context") or "{}")
        page, operation = str(context.get("page") or ""), context.get("operation")
        command_id = uuid.UUID(request.POST.get("command_id", ""))
        operation_id = None if operation is None else int(operation)
    except (ValueError, TypeError, AttributeError):
        raise Refused("unparseable", why=_("the scan names no command id or no page")) from None
    return _Asked(request.POST.get("code", ""), command_id, page, operation_id)


@enrolled("a scan at the lock says who is there; anything else then needs the PIN")
@require_POST
def scan(request: HttpRequest, station: Station) -> HttpResponse:
    """The verdict on one scan as a band."""
    try:
        asked = _asked(request)
        answer = _answered(station, asked, {request.get_host(), request.get_host().partition(":")[0]})
        band = _followed(request, station, asked, answer)
    except Refused as refusal:
        return put(request, refused_band(refusal, request.POST.get("code", "")[:40]), status=refusal.status)
    return put(request, band)


def _answered(station: Station, asked: _Asked, hosts: set[str]) -> ScanAnswer:
    common: dict[str, Any] = {"code": asked.code, "work_center_id": station.work_center.pk, "hosts": hosts}
    if station.person is None:
        nobody = Actor(
            SYSTEM, 0, station.terminal.name, "system", station.terminal.site_id, terminal_id=station.terminal.pk
        )
        return scanning.read_scan(actor=nobody, page="lock", **common)
    common |= {"actor": station.actor, "page": asked.page, "operation_id": asked.operation_id}
    answer = scanning.read_scan(act=True, command_id=asked.command_id, **common)
    if answer.reason == "not_started" and answer.action == "consume_material" and _begun(station, asked):
        # A lot scanned on a job that waits for its operator begins the job.
        return scanning.read_scan(act=True, command_id=asked.command_id, **common)
    return answer


def _begun(station: Station, asked: _Asked) -> bool:
    """Start the job on the screen. A refusal leaves it as it is."""
    if asked.operation_id is None:
        return False
    try:
        _start(station, asked.operation_id, asked.command_id)
    except Refused:
        return False
    return True


def _start(station: Station, operation_id: int, command_id: UUID) -> None:
    """Start a job under an id that belongs to the scan, so that a repeated scan starts nothing twice."""
    runs.start_operation(actor=station.actor, operation_id=operation_id, command_id=uuid.uuid5(command_id, "start"))


# -- what the screen does with an answer ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Turn:
    """One answer and the screen it came to."""

    request: HttpRequest
    station: Station
    asked: _Asked
    band: Band
    subject: Choice

    @property
    def job(self) -> str:
        """The page of the job on the screen, or the list."""
        return f"/t/job/{self.asked.operation_id}/" if self.asked.operation_id else "/t/home/"

    def go(self, where: str) -> Band:
        return replace(self.band, go=where)


def _followed(request: HttpRequest, station: Station, asked: _Asked, answer: ScanAnswer) -> Band:
    band = Band(answer.verdict, answer.what, answer.happened, answer.next, _choices(answer))
    subject = answer.subject
    if answer.verdict in ("refused", "unknown") or subject is None:
        return band
    follow = _FOLLOW.get(answer.reason) or _FOLLOW.get(subject.kind)
    return follow(_Turn(request, station, asked, band, subject)) if follow else band


def _choices(answer: ScanAnswer) -> tuple[BandChoice, ...]:
    """Operations can be opened; the rest is there to be read."""
    return tuple(
        BandChoice(choice.text, href=f"/t/job/{choice.id}/" if choice.kind == "operation" else "")
        for choice in answer.choices
    )


def _badge(turn: _Turn) -> Band:
    """Somebody is here: the PIN is asked, and afterwards the page goes on where it was."""
    station = turn.station
    someone = badges.identify(turn.asked.code, station.terminal.site_id)
    if station.person is not None and station.person.pk == someone.pk:
        return replace(turn.band, happened=_("You are signed in already"), next="")
    access.claim(turn.request, someone)
    if station.person is not None:
        access.keep_way(turn.request, turn.job)
    return replace(turn.band, what=str(someone), happened=_("Badge read"), go="/t/")


def _open(turn: _Turn) -> Band:
    """Scanning the traveler opens the job and begins it, where nothing stands in the way."""
    if turn.station.person is None or turn.subject.kind != "operation":
        return turn.band
    operation = Operation.objects.select_related("order").get(pk=turn.subject.id)
    band = replace(turn.band, happened=_("Opened"), next="", go=f"/t/job/{operation.pk}/")
    if operation.state not in job_view.STARTABLE or operation.work_center_id != turn.station.work_center.pk:
        return band
    try:
        _start(turn.station, operation.pk, turn.asked.command_id)
    except Refused as refusal:
        return replace(band, verdict=REFUSED, happened=refusal.message, next=refusal.remedy)
    happened = _("{job} has been started").format(job=operation)
    return replace(band, verdict=GOOD, happened=happened, next=next_step(operation))


def _center(turn: _Turn) -> Band:
    return turn.go(f"/t/home/?wc={quote(turn.subject.number)}") if turn.asked.page == "home" else turn.band


def _reason(turn: _Turn) -> Band:
    return turn.go(f"{turn.job}scrap/?reason={quote(turn.subject.number)}")


def _quantity(turn: _Turn) -> Band:
    field = "value" if turn.asked.page == "check" else "quantity"
    return replace(turn.band, fill=turn.subject.number, fill_into=field)


def _gauge(turn: _Turn) -> Band:
    return replace(turn.band, fill=turn.subject.number, fill_into="gauge")


def _page(turn: _Turn) -> Band:
    """Commands that only move the screen."""
    if turn.subject.number == "LOCK":
        access.sign_out(turn.request)
        return turn.go("/t/")
    ways = {"SCRAP": f"{turn.job}scrap/" if turn.asked.operation_id else turn.job, "NEXT": "/t/home/"}
    return turn.go(ways.get(turn.subject.number, turn.job))


def _command(turn: _Turn) -> Band:
    return turn.go("/t/home/" if turn.subject.number == "DONE" else turn.job)


_FOLLOW: dict[str, Callable[[_Turn], Band]] = {
    "identified": _badge,
    "job": _open,
    "on_screen": _open,
    "reason_code": _reason,
    "quantity": _quantity,
    "gauge": _gauge,
    "command_page": _page,
    "command_done": _command,
    "work_center": _center,
}
