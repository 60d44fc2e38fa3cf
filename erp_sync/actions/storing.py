"""The right to pull, and keeping what came word for word before anybody reads it. No command: nobody decided this."""

import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import connection as database
from django.db import transaction

from erp_sync.actions.leases import database_time
from erp_sync.messages import Cursor, Entity, Page
from erp_sync.models import ErpConnection, InboundRecord, SyncJob, SyncRun

LEASE = timedelta(minutes=5)

CLAIM = """
UPDATE erp_sync_syncjob SET lease_token = %(token)s, leased_until = clock_timestamp() + make_interval(secs => %(lease)s)
 WHERE id = (
    SELECT j.id FROM erp_sync_syncjob j JOIN erp_sync_erpconnection c ON c.id = j.connection_id
     WHERE j.next_due_at <= clock_timestamp()
       AND (j.leased_until IS NULL OR j.leased_until < clock_timestamp())
       AND c.state = 'ACTIVE' AND (c.resume_at IS NULL OR c.resume_at <= clock_timestamp())
     ORDER BY j.connection_id, array_position(%(sequence)s::varchar[], j.entity) LIMIT 1
       FOR NO KEY UPDATE OF j SKIP LOCKED)
RETURNING id
"""

#: A content seen before counts anew when the ERP says it changed since: it may have been something else between.
STORE = """
INSERT INTO erp_sync_inboundrecord
    (connection_id, entity, key, digest, modified_at, body, run_id, state, outcome, reason, attempts)
VALUES (%s, %s, %s, %s, %s, %s::jsonb, %s, 'NEW', '', '', 0)
ON CONFLICT (connection_id, entity, key, digest) DO UPDATE
   SET modified_at = EXCLUDED.modified_at, run_id = EXCLUDED.run_id, state = 'NEW', outcome = '', reason = ''
 WHERE erp_sync_inboundrecord.modified_at < EXCLUDED.modified_at
"""


@dataclass(frozen=True)
class ClaimedJob:
    job: SyncJob
    token: UUID


def claim_job() -> ClaimedJob | None:
    """Lease a job that is due, of one connection in the order in which references resolve."""
    token = uuid4()
    sequence = [entity.value for entity in Entity]
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(CLAIM, {"token": token, "lease": LEASE.total_seconds(), "sequence": sequence})
        row = cursor.fetchone()
    return ClaimedJob(SyncJob.objects.select_related("connection").get(pk=row[0]), token) if row else None


def make_due(connection: ErpConnection, entity: str | None = None) -> None:
    """Let the jobs of a connection, or the one of an entity, run at the next tick."""
    jobs = SyncJob.objects.filter(connection=connection)
    jobs = jobs.filter(entity=entity) if entity else jobs
    with database.cursor() as cursor:
        cursor.execute(
            "UPDATE erp_sync_syncjob SET next_due_at = clock_timestamp() WHERE id = ANY(%s)",
            [list(jobs.values_list("pk", flat=True))],
        )


def begin_run(job: SyncJob) -> SyncRun:
    return SyncRun.objects.create(job=job, cursor_from=job.cursor, cursor_to=job.cursor)


def store_page(claimed: ClaimedJob, run: SyncRun, page: Page) -> bool:
    """Keep the page and then, in the same transaction, the cursor behind it. False when the lease was lost."""
    with transaction.atomic():
        job = (
            SyncJob.objects.select_for_update(no_key=True).filter(pk=claimed.job.pk, lease_token=claimed.token).first()
        )
        if job is None:
            return False
        with database.cursor() as cursor:
            for raw in page.records:
                body = json.dumps(raw.body, ensure_ascii=False)
                values = [job.connection_id, raw.entity.value, raw.key, raw.digest, raw.modified_at, body, run.pk]
                cursor.execute(STORE, values)
        job.cursor = page.cursor.as_json()
        job.save(update_fields=["cursor"])
        run.read += len(page.records)
        run.cursor_to = job.cursor
        run.save(update_fields=["read", "cursor_to"])
    return True


def cursor_of(job: SyncJob) -> Cursor:
    return Cursor.from_json(job.cursor)


def end_run(claimed: ClaimedJob, run: SyncRun, error: str) -> None:
    """Close the run, give the lease up and set when the next one is due. A run that found nothing new leaves no row."""
    with transaction.atomic():
        with database.cursor() as cursor:
            cursor.execute(
                """
                UPDATE erp_sync_syncjob
                   SET lease_token = NULL, leased_until = NULL,
                       next_due_at = CASE WHEN %s THEN clock_timestamp()
                                          ELSE clock_timestamp() + make_interval(secs => interval_seconds) END
                 WHERE id = %s AND lease_token = %s
                """,
                [bool(error), claimed.job.pk, claimed.token],
            )
        run.ended_at = database_time()
        run.outcome, run.error = (SyncRun.FAILED, error) if error else (SyncRun.GOOD, "")
        run.save()
        nothing = not (error or run.created or run.updated or run.parked)
        if nothing and not InboundRecord.objects.filter(run=run).exists():
            run.delete()
