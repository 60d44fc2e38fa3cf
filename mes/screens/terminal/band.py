"""The verdict as the terminal shows it: colour, three lines, choices, where to go. Decides nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused
from mes.screens.terminal import access

GOOD, QUESTION, REFUSED, UNKNOWN = "good", "question", "refused", "unknown"
_LOOKS = {GOOD: "good", QUESTION: "ask"}


@dataclass(frozen=True)
class BandChoice:
    """One way out of a question: a link, or a form with its hidden fields."""

    text: str
    href: str = ""
    action: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Band:
    """What was read, what happened, what comes now."""

    verdict: str
    what: str
    happened: str = ""
    next: str = ""
    choices: tuple[BandChoice, ...] = ()
    go: str = ""
    fill: str = ""
    fill_into: str = ""

    @property
    def look(self) -> str:
        return _LOOKS.get(self.verdict, "bad")


def refused_band(refusal: Refused, what: str, choices: Iterable[BandChoice] = ()) -> Band:
    """A refusal with what stands in the way; it is a question where choices are given."""
    found = tuple(choices)
    happened = " ".join([refusal.message, *(blocker.message for blocker in refusal.blockers)])
    if found:
        return Band(QUESTION, what, happened, _("Choose what becomes of them."), found)
    return Band(REFUSED, what, happened, refusal.remedy)


def put(request: HttpRequest, band: Band, status: int = 200) -> HttpResponse:
    """The band alone, for the script that asked."""
    return render(request, "terminal/_band.html", {"answer": band}, status=status)


def done(request: HttpRequest, band: Band, go: str) -> HttpResponse:
    """An act was done: the next page is GO and says so."""
    access.keep_done(request, band.verdict, band.what, band.happened, band.next)
    if access.is_script(request):
        return HttpResponse(status=204, headers={"HX-Redirect": go})
    return HttpResponseRedirect(go)


def refused(
    request: HttpRequest, refusal: Refused, what: str, back: str, choices: Iterable[BandChoice] = ()
) -> HttpResponse:
    """An act was refused: the band says why, the page stays as it is."""
    band = refused_band(refusal, what, choices)
    if access.is_script(request):
        return put(request, band, status=refusal.status)
    access.keep_done(request, band.verdict, band.what, band.happened, band.next)
    return HttpResponseRedirect(back)


def kept(request: HttpRequest) -> Band | None:
    """The verdict that the page before left for this one."""
    values: dict[str, Any] | None = access.take_done(request)
    return Band(values["verdict"], values["what"], values["happened"], values["next"]) if values else None
