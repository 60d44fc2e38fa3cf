"""Receiving lots at the desk: one by hand, or a file of them with an answer for every line."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from django_stubs_ext import StrOrPromise

from mes.accounts.policies import actor_of, allows
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from mes.screens.desk.links import lot_url
from mes.screens.desk.lot_files import COLUMNS, read_lots
from mes.screens.desk.pages import done, is_sane_id, refusal_context, site_of
from mes.screens.desk.table_files import MOST_BYTES, FileRow, Unreadable
from traceability.actions.lots import receive_lot
from workorders.actions.imports import CREATED, REJECTED, UNCHANGED, Row
from workorders.models import Item, StorageLocation, UnitOfMeasure

#: Lots of one transaction. Each batch has an id of its own made from the form's, so that the same form can be sent
#: again after an interruption and takes up where it ended.
BATCH = 250
SUGGESTED = 500
#: Outcome → (sign of the chip, word).
_OUTCOMES: dict[str, tuple[str, StrOrPromise]] = {
    CREATED: ("ok", gettext_lazy("received")),
    UNCHANGED: ("done", gettext_lazy("was there already")),
    REJECTED: ("late", gettext_lazy("rejected")),
}


@dataclass(slots=True)
class Answer:
    """What the page says after a POST."""

    errors: list[str] = field(default_factory=list)
    title: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    refusal: dict[str, Any] | None = None
    status: int = 200


@allows("receive_lot")
@require_http_methods(["GET", "HEAD", "POST"])
def receive_page(request: HttpRequest) -> HttpResponse:
    """Two forms: one lot, and a file. What was typed stays when it is refused."""
    typed = {name: request.POST.get(name, "").strip()[:200] for name in COLUMNS}
    answer = Answer()
    if request.method == "POST":
        by_file = request.POST.get("by") == "file"
        made = _file(request) if by_file else _one(request, typed)
        if isinstance(made, HttpResponse):
            return made
        answer = made
    return _page(request, typed, answer)


def _page(request: HttpRequest, typed: dict[str, str], answer: Answer) -> HttpResponse:
    site = site_of(request)
    again = answer.refusal is not None and answer.refusal["same_id"]
    counts = Counter(result["outcome"] for result in answer.results)
    context = {
        "typed": typed,
        "answer": answer,
        "by_file": request.POST.get("by") == "file",
        "refused_id": request.POST.get("command_id", "") if again else "",
        "counts": [(counts[key], *_OUTCOMES[key]) for key in _OUTCOMES if counts[key]],
        "columns": COLUMNS,
        "items": Item.objects.filter(site=site, is_active=True)
        .exclude(tracking=Item.NONE)
        .order_by("code")
        .values_list("code", "name")[:SUGGESTED],
        "units": UnitOfMeasure.objects.order_by("code").values_list("code", flat=True)[:SUGGESTED],
        "places": StorageLocation.objects.filter(site=site).order_by("code").values_list("code", flat=True)[:SUGGESTED],
    }
    return render(request, "desk/receive.html", context, status=answer.status)


def _one(request: HttpRequest, typed: dict[str, str]) -> HttpResponse | Answer:
    row: Row = {name: value for name, value in typed.items() if value}
    if "quantity" in row:
        row["quantity"] = row["quantity"].replace(",", ".")
    try:
        result = _receive(actor_of(request), [row], is_sane_id(request.POST.get("command_id")))[0]
    except Refused as refusal:
        return Answer(refusal=refusal_context(refusal), status=refusal.status)
    if result["outcome"] == REJECTED:
        return Answer(result["errors"], _("The lot was not received."), status=422)
    said = _("Lot {lot} is received.") if result["outcome"] == CREATED else _("Lot {lot} was there already.")
    return done(request, said.format(lot=result["number"]), f"/trace/lot/~{result['id']}/")


def _file(request: HttpRequest) -> Answer:
    upload = request.FILES.get("file")
    title = _("The file was not taken; no lot was received.")
    if upload is None:
        return Answer([_("Choose a file.")], title, status=422)
    if upload.size is not None and upload.size > MOST_BYTES:
        return Answer([_("The file is larger than 1 MB. Divide it into several files.")], title, status=422)
    try:
        rows = read_lots(upload.read(MOST_BYTES + 1))
    except Unreadable as why:
        return Answer([str(why)], title, status=422)
    answer = Answer()
    try:
        _all(request, rows, answer)
    except Refused as refusal:
        answer.refusal, answer.status = refusal_context(refusal), refusal.status
    answer.results.sort(key=lambda result: result["line"])
    if answer.results and all(result["outcome"] == REJECTED for result in answer.results):
        answer.status = 422
    return answer


def _all(request: HttpRequest, rows: list[FileRow], answer: Answer) -> None:
    """Receive ROWS in batches; results gather in ANSWER, so that those before a refusal are shown."""
    sound = [row for row in rows if not row.fault]
    answer.results += [_said(row, REJECTED, [row.fault]) for row in rows if row.fault]
    actor, form_id = actor_of(request), is_sane_id(request.POST.get("command_id"))
    for start in range(0, len(sound), BATCH):
        part = sound[start : start + BATCH]
        results = _receive(actor, [dict(row.values) for row in part], uuid5(form_id, str(start)))
        answer.results += [
            _said(row, result["outcome"], result["errors"], result.get("id"))
            for row, result in zip(part, results, strict=True)
        ]


def _receive(actor: Actor, rows: list[Row], command_id: UUID) -> list[Row]:
    """The results of the command, which a repetition gives in their stored form."""
    found = receive_lot(actor=actor, rows=rows, command_id=command_id)
    stored: Row = found if isinstance(found, dict) else found.as_json()
    return list(stored["results"])


def _said(row: FileRow, outcome: str, errors: list[str], lot_id: int | None = None) -> dict[str, Any]:
    number = row.values.get("number", "")
    state, word = _OUTCOMES[outcome]
    return {
        "line": row.line,
        "number": number[:80],
        "item": row.values.get("item", "")[:80],
        "quantity": " ".join(part for part in (row.values.get("quantity"), row.values.get("unit")) if part)[:60],
        "outcome": outcome,
        "state": state,
        "word": word,
        "errors": errors,
        "url": lot_url(number, lot_id) if lot_id else "",
    }
