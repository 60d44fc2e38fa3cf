"""Health: alive, ready, state and metrics, for supervisors, proxies and monitoring. No order or lot is named here."""

import shutil
import time
from dataclasses import dataclass
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from mes.accounts.policies import open_to
from mes.api import errors
from mes.api.answers import answer
from mes.api.calls import enter
from mes.kernel.errors import Blocker, Refused

#: Less free space than this share of the disk, and PostgreSQL may soon stop writing.
LEAST_FREE = 0.05


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. What is needed and not well makes us not ready; the rest only degraded."""

    name: str
    is_well: bool
    is_needed: bool
    says: str = ""


@open_to("everybody: a supervisor asks whether the process lives")
@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    """The process answers. Touches nothing: a dead database is no reason to restart the web."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@open_to("everybody: a proxy asks whether to send requests here")
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """Whether requests can be served: database writable, tables of this version, room on the disk. 503 when not."""
    found = findings()
    wrong = [one for one in found if one.is_needed and not one.is_well]
    if wrong:
        return errors.refused(Refused("not_ready", [Blocker(one.name, one.says) for one in wrong]))
    state = "ok" if all(one.is_well for one in found) else "degraded"
    return answer({"status": state, "checks": {one.name: "ok" if one.is_well else one.says for one in found}})


def findings() -> list[Finding]:
    return [_database(), _migrations(), _disk(), _broker()]


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'")
            (is_read_only,) = cursor.fetchone()
            cursor.execute("SELECT seq FROM kernel_eventhead LIMIT 1")
    except DatabaseError as error:
        return Finding("database", False, True, type(error).__name__)
    return Finding("database", not is_read_only, True, "read-only")


_migrated = False


def _migrations() -> Finding:
    """Read until all are applied; a running process does not lose tables."""
    global _migrated
    if not _migrated:
        try:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError as error:
            return Finding("migrations", False, True, type(error).__name__)
    return Finding("migrations", _migrated, True, "not all are applied")


def _disk() -> Finding:
    place = settings.VAR_DIR if settings.VAR_DIR.exists() else settings.BASE_DIR
    usage = shutil.disk_usage(place)
    return Finding("disk", usage.free / usage.total > LEAST_FREE, True, f"{usage.free // 2**20} MB free")


def _broker() -> Finding:
    """Wake-ups come late without it; scanning goes on."""
    url = settings.CELERY_BROKER_URL
    if not url.startswith(("redis://", "rediss://", "unix://")):
        return Finding("broker", True, False)
    client = redis.Redis.from_url(url, socket_connect_timeout=0.5, socket_timeout=0.5)
    try:
        client.ping()
    except redis.RedisError as error:
        return Finding("broker", False, False, type(error).__name__)
    finally:
        client.close()
    return Finding("broker", True, False)


STATE = """
SELECT
  (SELECT count(*) FROM kernel_delivery WHERE status = 'OPEN') AS deliveries_open,
  (SELECT count(*) FROM kernel_delivery WHERE status = 'PARKED') AS deliveries_parked,
  (SELECT coalesce(extract(epoch FROM now() - min(e.recorded_at)), 0)::float8
     FROM kernel_delivery d JOIN kernel_event e ON e.id = d.event_id
    WHERE d.status = 'OPEN') AS delivery_oldest_seconds,
  (SELECT coalesce(extract(epoch FROM now() - max(recorded_at)), 0)::float8
     FROM kernel_event WHERE id > (SELECT coalesce(max(id), 0) - 100 FROM kernel_event)) AS event_newest_seconds,
  (SELECT coalesce(max(id), 0) FROM kernel_event) AS event_last_id,
  (SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8
     FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND xact_start IS NOT NULL) AS transaction_oldest_seconds,
  (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()) AS connections,
  (SELECT max(age(datfrozenxid))::bigint FROM pg_database) AS wraparound_age,
  pg_database_size(current_database()) AS database_bytes
"""


def state() -> dict[str, Any]:
    """Numbers about this installation, read in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        names = [column.name for column in cursor.description or ()]
        return dict(zip(names, cursor.fetchone(), strict=True))


@open_to("tokens that may view health: the view asks for one itself")
@require_safe
def statusz(request: HttpRequest) -> HttpResponse:
    """The state as JSON, for people and scripts with a token whose role may view health."""
    return _with_token(request, lambda: answer(_status()))


def _status() -> dict[str, Any]:
    numbers = {name: f"{value:.3f}" if isinstance(value, float) else value for name, value in state().items()}
    checks = {one.name: "ok" if one.is_well else one.says for one in findings()}
    return {"checks": checks, "numbers": numbers, "time": time.time_ns() // 1_000_000}


@open_to("tokens that may view health: the view asks for one itself")
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The same numbers in the text format of Prometheus."""
    return _with_token(request, _metrics)


def _metrics() -> HttpResponse:
    lines = []
    for name, value in state().items():
        lines += [f"# TYPE mes_{name} gauge", f"mes_{name} {value}"]
    lines.append("# TYPE mes_check_ok gauge")
    lines += [f'mes_check_ok{{check="{one.name}"}} {int(one.is_well)}' for one in findings()]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _with_token(request: HttpRequest, show: Any) -> HttpResponse:
    try:
        enter(request, "view_health")
        made: HttpResponse = show()
    except Refused as refusal:
        return errors.refused(refusal)
    except DatabaseError as error:
        return errors.failed(request, error)
    return made
