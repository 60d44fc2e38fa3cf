"""What came from an ERP, looked at one by one: a run with the outcome of each record, and a record with its words."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from erp_sync.actions.applying import set_aside_record
from erp_sync.models import InboundRecord
from erp_sync.queries import monitor, pulls
from mes.accounts.policies import actor_of, allows, may
from mes.kernel.errors import Refused
from mes.screens.desk import erp_words
from mes.screens.desk.pages import attempt, done, is_sane_id, refusal_context, site_of


@allows("view_connections")
@require_safe
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """One pull: its counts, and what became of each record it brought."""
    run = pulls.run_of(site_of(request).pk, run_id)
    if run is None:
        raise Http404
    rows = [erp_words.record_row(record) for record in pulls.records_of(run)]
    context = {
        "run": erp_words.run_row(run),
        "connection": run.job.connection,
        "rows": rows,
        "shown": len(rows),
        "took": erp_words.took(run),
    }
    return render(request, "desk/erp_run.html", context)


@allows("view_connections")
@require_safe
def record_page(request: HttpRequest, record_id: int) -> HttpResponse:
    """One record word for word, and all that the ERP ever said of it."""
    return _record(request, _found(request, record_id))


def _found(request: HttpRequest, record_id: int) -> InboundRecord:
    record = pulls.record_of(site_of(request).pk, record_id)
    if record is None:
        raise Http404
    return record


def _record(request: HttpRequest, record: InboundRecord, refusal: Refused | None = None) -> HttpResponse:
    context: dict[str, Any] = {
        "row": erp_words.record_row(record),
        "connection": record.connection,
        "attempts": record.attempts,
        "body": json.dumps(monitor.masked(record.body), indent=2, ensure_ascii=False),
        "revisions": [erp_words.record_row(one) for one in pulls.revisions_of(record)],
        "may_set_aside": record.state == InboundRecord.PARKED
        and may(str(getattr(request.user, "role", "")), "set_aside_record"),
        "refusal": refusal_context(refusal) if refusal else None,
    }
    return render(request, "desk/erp_record.html", context, status=refusal.status if refusal else 200)


@allows("set_aside_record")
@require_POST
def set_aside(request: HttpRequest, record_id: int) -> HttpResponse:
    record = _found(request, record_id)
    refusal = attempt(
        lambda: set_aside_record(
            actor=actor_of(request),
            record_id=record.pk,
            reason=request.POST.get("reason", ""),
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    )
    if refusal:
        return _record(request, record, refusal)
    back = reverse("connection", args=[record.connection_id])
    return done(request, _("{record} is set aside.").format(record=record.key), back)
