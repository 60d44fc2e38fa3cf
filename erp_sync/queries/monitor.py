"""The state of connections, messages and records for the pages: counted in the database, said in words by the pages."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet

from erp_sync import states
from erp_sync.adapters.registry import UnknownAdapter, adapter_class
from erp_sync.messages import Entity, RecordOutcome
from erp_sync.models import ErpConnection, InboundRecord, OutboundMessage, SyncJob, SyncRun

HOURS = 24
SHOWN = 50


@dataclass(frozen=True)
class HourOfRuns:
    """What one hour's pulls brought, and whether any of them failed."""

    read: int
    failed: int
    parked: int


@dataclass(frozen=True)
class Health:
    """One connection with everything its card says."""

    connection: ErpConnection
    adapter_label: str
    waiting: int
    parked: int
    incomplete: int
    oldest_waiting: datetime | None
    next_run: datetime | None
    hours: list[HourOfRuns]
    unreachable: bool


def health_of(site_id: int, now: datetime) -> list[Health]:
    """Every connection of the site, in a fixed number of queries."""
    connections = list(ErpConnection.objects.filter(site_id=site_id).order_by("name"))
    told: dict[int, dict[str, Any]] = {
        row["connection_id"]: dict(row)
        for row in OutboundMessage.objects.filter(connection__in=connections, state__in=states.UNSETTLED)
        .values("connection_id")
        .annotate(
            waiting=Count("pk", filter=Q(state=states.PENDING)),
            parked=Count("pk", filter=Q(state=states.PARKED)),
            oldest=Min("created_at", filter=Q(state=states.PENDING)),
        )
    }
    incomplete = dict(
        InboundRecord.objects.filter(connection__in=connections, state=InboundRecord.PARKED)
        .values_list("connection_id")
        .annotate(count=Count("pk"))
    )
    due: dict[int, datetime | None] = dict(
        SyncJob.objects.filter(connection__in=connections)
        .values_list("connection_id")
        .annotate(next=Min("next_due_at"))
    )
    hours = _hours(connections, now)
    return [
        Health(
            connection=connection,
            adapter_label=adapter_label(connection.adapter),
            waiting=told.get(connection.pk, {}).get("waiting", 0),
            parked=told.get(connection.pk, {}).get("parked", 0),
            incomplete=incomplete.get(connection.pk, 0),
            oldest_waiting=told.get(connection.pk, {}).get("oldest"),
            next_run=due.get(connection.pk),
            hours=hours[connection.pk],
            unreachable=connection.failures > 0 and connection.state == states.ACTIVE,
        )
        for connection in connections
    ]


def adapter_label(slug: str) -> str:
    try:
        return adapter_class(slug).label
    except UnknownAdapter:
        return slug


def _hours(connections: list[ErpConnection], now: datetime) -> dict[int, list[HourOfRuns]]:
    """The last 24 hours of pulls, oldest first."""
    since = now - timedelta(hours=HOURS)
    found: dict[int, dict[int, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    runs = SyncRun.objects.filter(job__connection__in=connections, started_at__gte=since).values_list(
        "job__connection_id", "started_at", "read", "outcome", "parked"
    )
    for connection_id, started_at, read, outcome, parked in runs:
        hour = min(int((started_at - since) / timedelta(hours=1)), HOURS - 1)
        counted = found[connection_id][hour]
        counted["read"] += read
        counted["failed"] += outcome == SyncRun.FAILED
        counted["parked"] += parked
    return {
        connection.pk: [
            HourOfRuns(counted["read"], counted["failed"], counted["parked"])
            for counted in (found[connection.pk][hour] for hour in range(HOURS))
        ]
        for connection in connections
    }


def recent_runs(site_id: int) -> "QuerySet[SyncRun]":
    """The latest pulls that brought something or failed."""
    return (
        SyncRun.objects.filter(job__connection__site_id=site_id)
        .select_related("job__connection")
        .order_by("-started_at")[:SHOWN]
    )


#: The tabs of the messages page: which states each shows.
TABS: dict[str, tuple[str, ...]] = {
    "all": (),
    "parked": (states.PARKED,),
    "waiting": (states.PENDING,),
    "posted": (states.POSTED,),
    "settled": (states.SKIPPED, states.CANCELLED),
}


def messages_of(site_id: int, tab: str, connection: str, text: str) -> "QuerySet[OutboundMessage]":
    """Messages newest first, of a tab, of a connection by name, about orders whose number begins with TEXT."""
    found = OutboundMessage.objects.filter(connection__site_id=site_id).select_related("connection").order_by("-pk")
    if TABS.get(tab):
        found = found.filter(state__in=TABS[tab])
    if connection:
        found = found.filter(connection__name=connection)
    if text:
        found = found.filter(label__startswith=text)
    return found


def counts_of(site_id: int) -> dict[str, int]:
    """How many messages each tab holds."""
    by_state = Counter(
        dict(
            OutboundMessage.objects.filter(connection__site_id=site_id)
            .order_by()
            .values_list("state")
            .annotate(count=Count("pk"))
        )
    )
    return {
        tab: sum(by_state[state] for state in wanted) if wanted else sum(by_state.values())
        for tab, wanted in TABS.items()
    }


@dataclass(frozen=True)
class Cause:
    """Parked messages that failed for one reason, so that one fix may help them all."""

    error_class: str
    code: str
    reason: str
    count: int


def causes_of(site_id: int) -> list[Cause]:
    """The reasons that more than one parked message shares, most frequent first."""
    rows = (
        OutboundMessage.objects.filter(
            connection__site_id=site_id, state=states.PARKED, kind=OutboundMessage.COMPLETION
        )
        .order_by()
        .values("error_class", "error_code")
        .annotate(count=Count("pk"), reason=Max("reason"))
        .filter(count__gt=1)
        .order_by("-count")
    )
    return [Cause(row["error_class"], row["error_code"], row["reason"], row["count"]) for row in rows]


def waiting_behind(message: OutboundMessage) -> int:
    """How many later messages of the same order wait for this one."""
    return OutboundMessage.objects.filter(
        connection=message.connection, partition=message.partition, state=states.PENDING, pk__gt=message.pk
    ).count()


def incomplete_records(site_id: int) -> "QuerySet[InboundRecord]":
    return (
        InboundRecord.objects.filter(connection__site_id=site_id, state=InboundRecord.PARKED)
        .select_related("connection")
        .order_by("entity", "-pk")
    )


def outcomes_of(connection: ErpConnection, entity: Entity, told: list[tuple[str, str]]) -> list[RecordOutcome]:
    """What became of these contents (key, digest) of records: their outcome, or the state they rest in."""
    rows = InboundRecord.objects.filter(
        connection=connection, entity=entity, key__in=[key for key, _digest in told]
    ).values_list("key", "digest", "state", "outcome", "reason")
    found = {(key, digest): (outcome or state.lower(), reason) for key, digest, state, outcome, reason in rows}
    return [RecordOutcome(key, digest, *found[key, digest]) for key, digest in told if (key, digest) in found]


MASK = "••••••••"
_SECRET = ("password", "secret", "token", "authorization", "api_key", "key_file")


def masked(value: Any) -> Any:
    """A payload for people to read: whatever may be a secret by its name is not shown."""
    if isinstance(value, dict):
        return {
            name: MASK if any(word in str(name).lower() for word in _SECRET) else masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return value
