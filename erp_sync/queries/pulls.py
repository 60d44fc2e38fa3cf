"""Jobs, runs and records of one connection, for its pages."""

from dataclasses import dataclass

from django.db.models import OuterRef, QuerySet, Subquery

from erp_sync.messages import Entity
from erp_sync.models import ErpConnection, InboundRecord, SyncJob, SyncRun

#: The order in which references between kinds of records resolve.
PLACES = {entity.value: place for place, entity in enumerate(Entity)}
SHOWN = 200


@dataclass(frozen=True)
class JobState:
    """A job with how its last recorded run ended."""

    job: SyncJob
    outcome: str
    error: str


def jobs_of(connection: ErpConnection) -> list[JobState]:
    last = SyncRun.objects.filter(job=OuterRef("pk")).order_by("-started_at")
    jobs = SyncJob.objects.filter(connection=connection).annotate(
        last_outcome=Subquery(last.values("outcome")[:1]), last_error=Subquery(last.values("error")[:1])
    )
    states = [JobState(job, job.last_outcome or "", job.last_error or "") for job in jobs]
    return sorted(states, key=lambda state: PLACES[state.job.entity])


def runs_of(connection: ErpConnection) -> "QuerySet[SyncRun]":
    return SyncRun.objects.filter(job__connection=connection).select_related("job__connection").order_by("-started_at")


def waiting_records(connection: ErpConnection) -> "QuerySet[InboundRecord]":
    """Records that lack something, newest first."""
    return InboundRecord.objects.filter(connection=connection, state=InboundRecord.PARKED).order_by("-pk")


def records_of(run: SyncRun) -> "QuerySet[InboundRecord]":
    """What a run brought, what needs somebody first. A record brought again later counts for the later run."""
    return InboundRecord.objects.filter(run=run).order_by("-state", "key")[:SHOWN]


def run_of(site_id: int, run_id: int) -> SyncRun | None:
    rows = SyncRun.objects.filter(job__connection__site_id=site_id).select_related("job__connection")
    return rows.filter(pk=run_id).first()


def record_of(site_id: int, record_id: int) -> InboundRecord | None:
    rows = InboundRecord.objects.filter(connection__site_id=site_id).select_related("connection", "run__job")
    return rows.filter(pk=record_id).first()


def revisions_of(record: InboundRecord) -> "QuerySet[InboundRecord]":
    """All that the ERP ever said of the same record, newest first."""
    return InboundRecord.objects.filter(
        connection_id=record.connection_id, entity=record.entity, key=record.key
    ).order_by("-modified_at", "-pk")[:20]
