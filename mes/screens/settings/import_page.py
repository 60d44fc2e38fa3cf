"""Importing a table: pasted or sent as a file, with an answer for every line; and saving what is there as one."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe
from django_stubs_ext import StrOrPromise

from mes.accounts.policies import actor_of, allows
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from mes.screens.desk.acts import who_may
from mes.screens.desk.csv_files import csv_answer
from mes.screens.desk.pages import is_sane_id, refusal_context, site_of
from mes.screens.desk.table_files import MOST_BYTES, FileRow, Unreadable, read_table
from mes.screens.settings.frame import page, role_may
from mes.screens.settings.import_kinds import KINDS, Entry, Kind, kind_of, partner_fault
from workorders.actions.imports import CREATED, REJECTED, UNCHANGED, UPDATED

PATH = "/settings/import/"
#: Records of one transaction. Each batch has an id of its own made from the form's, so that the same form can be sent
#: again after an interruption and takes up where it ended.
BATCH = 250
#: Outcome → (sign of the chip, word).
_OUTCOMES: dict[str, tuple[str, StrOrPromise]] = {
    CREATED: ("ok", gettext_lazy("created")),
    UPDATED: ("info", gettext_lazy("changed")),
    UNCHANGED: ("done", gettext_lazy("was there already")),
    REJECTED: ("late", gettext_lazy("rejected")),
}


@dataclass(slots=True)
class _Answer:
    """What the page says after a POST."""

    errors: list[str] = field(default_factory=list)
    results: list[dict[str, Any]] = field(default_factory=list)
    refusal: dict[str, Any] | None = None
    status: int = 200


@allows("view_settings")
@require_http_methods(["GET", "HEAD", "POST"])
def import_page(request: HttpRequest) -> HttpResponse:
    """`?kind=` chooses what comes in. A POST takes a file or what was pasted; each line is answered."""
    kind = kind_of(request.GET.get("kind", ""))
    answer = _take(request, kind) if request.method == "POST" else _Answer()
    counts = Counter(result["outcome"] for result in answer.results)
    same = answer.refusal is not None and answer.refusal["same_id"]
    may_import = role_may(request, kind.right)
    context = {
        "kind": kind,
        "kinds": KINDS,
        "columns": kind.layout.columns,
        "needed": kind.layout.needed,
        "answer": answer,
        "counts": [(counts[key], *_OUTCOMES[key]) for key in _OUTCOMES if counts[key]],
        "refused_id": request.POST.get("command_id", "") if same else "",
        "pasted": request.POST.get("text", "") if answer.errors or answer.refusal else "",
        "may_import": may_import,
        "who_may": "" if may_import else who_may(kind.right),
    }
    return page(request, "desk/settings/import.html", context, answer.status)


@allows("view_settings")
@require_safe
def import_file(request: HttpRequest, key: str) -> HttpResponse:
    """What is there of a kind, in the columns that come in: to be looked at, changed and sent back."""
    kind = kind_of(key)
    return csv_answer(kind.key, kind.layout.columns, kind.saved(site_of(request).pk))


def _take(request: HttpRequest, kind: Kind) -> _Answer:
    try:
        content = _content(request)
        entries = kind.entries(read_table(content, kind.layout))
    except Unreadable as why:
        return _Answer([str(why)], status=422)
    answer = _Answer()
    try:
        _send(actor_of(request), kind, entries, is_sane_id(request.POST.get("command_id")), answer)
    except Refused as refusal:
        answer.refusal, answer.status = refusal_context(refusal), refusal.status
    answer.results.sort(key=lambda result: result["line"])
    if answer.results and all(result["outcome"] == REJECTED for result in answer.results):
        answer.status = 422
    return answer


def _content(request: HttpRequest) -> bytes:
    """What came in. Raises `Unreadable` for nothing, and for too much without reading it."""
    upload = request.FILES.get("file")
    if upload is None:
        text = request.POST.get("text", "")
        if not text.strip():
            raise Unreadable(_("Choose a file, or paste a table."))
        return text.encode("utf-8", "replace")
    if upload.size is not None and upload.size > MOST_BYTES:
        raise Unreadable(_("The file is larger than 1 MB. Divide it into several files."))
    return bytes(upload.read(MOST_BYTES + 1))


def _send(actor: Actor, kind: Kind, entries: list[Entry], form_id: UUID, answer: _Answer) -> None:
    """Send the sound ENTRIES in batches; results gather in ANSWER, so that those before a refusal are shown."""
    for entry in entries:
        if entry.fault:
            answer.results += [_said(entry, line, REJECTED, [line.fault or partner_fault()]) for line in entry.lines]
    sound = [entry for entry in entries if not entry.fault]
    for start in range(0, len(sound), BATCH):
        part = sound[start : start + BATCH]
        found = kind.send(
            actor=actor, rows=[entry.row for entry in part], command_id=uuid5(form_id, f"{kind.key}{start}")
        )
        stored = found if isinstance(found, dict) else found.as_json()
        for entry, result in zip(part, stored["results"], strict=True):
            notes = [*result["errors"], *(blocker["message"] for blocker in result.get("blockers") or ())]
            answer.results += [_said(entry, line, result["outcome"], notes) for line in entry.lines]


def _said(entry: Entry, line: FileRow, outcome: str, notes: list[str]) -> dict[str, Any]:
    state, word = _OUTCOMES[outcome]
    return {
        "line": line.line,
        "key": entry.key[:140],
        "outcome": outcome,
        "state": state,
        "word": word,
        "notes": notes,
    }
