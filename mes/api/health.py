"""Health: alive, ready, state and metrics, for supervisors, proxies and monitoring. No order or lot is named here."""

import time
from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from mes.accounts.policies import open_to
from mes.api import errors, metrics
from mes.api.answers import answer
from mes.api.calls import enter
from mes.kernel import health
from mes.kernel.errors import Blocker, Refused
from mes.kernel.health import BAD, WELL, Finding
from mes.kernel.health_checks import broker

HELPS = {
    "check_ok": "1 when a check is well",
    "check_level": "0 well, 1 worth a look, 2 bad",
    "outbox_age_seconds": "age of the oldest message an ERP was not told yet",
    "delivery_oldest_seconds": "age of the oldest event that was not passed on yet",
    "worker_last_seconds": "since a worker last looked for deliveries",
    "backup_age_seconds": "since the last good backup",
    "anchors_age_seconds": "since anchors were last written outside the database",
    "proof_age_seconds": "since invariants and chains were last proved",
    "clock_offset_seconds": "clock of the database minus clock of the web server",
    "disk_free_bytes": "free space",
    "event_last_id": "id of the newest event",
}
_LEVELS = {WELL: 0, health.WARN: 1, BAD: 2}


@open_to("everybody: a supervisor asks whether the process lives")
@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing: a dead database is no reason to restart the web."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@open_to("everybody: a proxy asks whether to send requests here")
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Whether requests can be served: database writable, tables of this version, room on the disk. 503 when not."""
    found = health.look(only_needed=True)
    wrong = [one for one in found if one.level == BAD]
    if wrong:
        return errors.refused(Refused("not_ready", [Blocker(one.name, one.says) for one in wrong]))
    found += broker()
    state = "ok" if all(one.is_well for one in found) else "degraded"
    return answer({"status": state, "checks": _checks(found)})


def _checks(found: list[Finding]) -> dict[str, str]:
    return {f"{one.name} {one.about}".strip(): one.as_text() for one in found}


def numbers() -> dict[str, float]:
    """How much has happened here; a flat line while the floor works says that nothing arrives."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(id), 0)::float8, coalesce(extract(epoch FROM clock_timestamp() - max(recorded_at)), 0)"
            "::float8 FROM kernel_event WHERE id > (SELECT coalesce(max(id), 0) - 100 FROM kernel_event)"
        )
        last, age = cursor.fetchone()
    return {"event_last_id": last, "event_newest_seconds": age}


@open_to("tokens that may view health: the view asks for one itself")
@require_safe
def statusz(request: HttpRequest) -> HttpResponse:
    """The state as JSON, for people and scripts with a token whose role may view health."""
    return _with_token(request, lambda: answer(_status()))


def _status() -> dict[str, Any]:
    found = health.look()
    flat = {name: _plain(value) for name, value in numbers().items()}
    for one in found:
        for name, value in one.numbers.items():
            flat[f"{name} {one.about}".strip()] = _plain(value)
    return {
        "status": health.worst(found),
        "checks": _checks(found),
        "remedies": {f"{one.name} {one.about}".strip(): one.remedy for one in found if one.remedy},
        "numbers": flat,
        "time": time.time_ns() // 1_000_000,
    }


def _plain(value: float) -> int | str:
    return int(value) if float(value).is_integer() else f"{value:.3f}"


@open_to("tokens that may view health: the view asks for one itself")
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """The same numbers in the text format of Prometheus."""
    return _with_token(request, _metrics)


def _metrics() -> HttpResponse:
    text = metrics.text_of(_samples(health.look()), HELPS)
    return HttpResponse(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _samples(found: list[Finding]) -> Iterator[metrics.Sample]:
    for name, value in numbers().items():
        yield name, {}, value
    for one in found:
        labels = {"check": one.name, "about": one.about}
        yield "check_ok", labels, float(one.is_well)
        yield "check_level", labels, float(_LEVELS[one.level])
        for name, value in one.numbers.items():
            yield name, {"about": one.about}, value


def _with_token(request: HttpRequest, show: Any) -> HttpResponse:
    try:
        enter(request, "view_health")
        made: HttpResponse = show()
    except Refused as refusal:
        return errors.refused(refusal)
    except DatabaseError as error:
        return errors.failed(request, error)
    return made
