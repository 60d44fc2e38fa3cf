"""The right to talk about one message for a limited time, and the connection's breaker. No command: nobody decided it.

Claim in a short transaction, talk in none, settle by the token: a slow sender whose lease is lost changes nothing.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

from django.db import connection as database
from django.db import transaction

from erp_sync import states
from erp_sync.models import ErpConnection, OutboundAttempt, OutboundMessage
from mes import env

LEASE = timedelta(seconds=env.number("MES_ERP_LEASE_SECONDS", 120))
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 900.0

CLAIM = """
UPDATE erp_sync_outboundmessage
   SET touched = touched OR lease_token IS NOT NULL,
       lease_token = %(token)s, leased_until = clock_timestamp() + make_interval(secs => %(lease)s),
       attempts = attempts + 1
 WHERE id = (
    SELECT m.id FROM erp_sync_outboundmessage m
      JOIN erp_sync_erpconnection c ON c.id = m.connection_id
     WHERE m.state = 'PENDING' AND m.not_before <= clock_timestamp()
       AND (m.leased_until IS NULL OR m.leased_until < clock_timestamp())
       AND c.state = 'ACTIVE' AND (c.resume_at IS NULL OR c.resume_at <= clock_timestamp())
       AND NOT EXISTS (SELECT 1 FROM erp_sync_outboundmessage e
                        WHERE e.connection_id = m.connection_id AND e.partition = m.partition
                          AND e.state IN ('PENDING', 'PARKED') AND e.id < m.id)
     ORDER BY m.id LIMIT 1 FOR NO KEY UPDATE OF m SKIP LOCKED)
RETURNING id
"""


@dataclass(frozen=True)
class Claimed:
    message: OutboundMessage
    token: UUID


def claim_message(lease: timedelta | None = None) -> Claimed | None:
    """Lease the oldest message that may go now, or None. Someone else's expired lease means the ERP may know of it."""
    token = uuid4()
    span = LEASE if lease is None else lease
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(CLAIM, {"token": token, "lease": span.total_seconds()})
        row = cursor.fetchone()
    if row is None:
        return None
    return Claimed(OutboundMessage.objects.select_related("connection").get(pk=row[0]), token)


def put_back(
    claimed: Claimed, *, error_class: str, text: str, pause: timedelta, counts: bool, touched: bool, milliseconds: int
) -> bool:
    """Give the lease up and try again after the pause. False when the lease was lost before."""
    message = claimed.message
    with transaction.atomic():
        found = (
            OutboundMessage.objects.select_for_update(no_key=True)
            .filter(pk=message.pk, lease_token=claimed.token, state=states.PENDING)
            .first()
        )
        if found is None:
            return False
        found.lease_token = found.leased_until = None
        found.error_class, found.reason = error_class, text
        found.touched = found.touched or touched
        if not counts:
            found.attempts -= 1
        found.not_before = database_time() + pause
        found.save()
        OutboundAttempt.objects.create(message=found, outcome=error_class, text=text, milliseconds=milliseconds)
    return True


def jitter(attempts: int) -> timedelta:
    """Full jitter: a random time up to a limit that doubles with each attempt, from 2 seconds to 15 minutes."""
    limit = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(0, limit))  # noqa: S311 - jitter, not a secret


# ----------------------------------------------------------------------------------------------------------- breaker


def note_answer(connection: ErpConnection, *, inbound: bool) -> None:
    """The ERP answered: the breaker closes."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            UPDATE erp_sync_erpconnection
               SET last_in_at = CASE WHEN %s THEN clock_timestamp() ELSE last_in_at END,
                   last_out_at = CASE WHEN %s THEN last_out_at ELSE clock_timestamp() END,
                   failures = 0, resume_at = NULL
             WHERE id = %s
            """,
            [inbound, inbound, connection.pk],
        )


def note_silence(connection: ErpConnection, text: str) -> None:
    """The ERP cannot be reached: nobody talks to it for a while that grows with each failure."""
    with transaction.atomic():
        row = ErpConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        row.failures += 1
        now = _note_error(row, text)
        # At least a part of the limit: a breaker that opens for no time is none.
        row.resume_at = now + max(jitter(row.failures), timedelta(seconds=FIRST_PAUSE / 2))
        row.save(update_fields=["failures", "last_error", "last_error_at", "resume_at"])


def stop_connection(connection: ErpConnection, text: str) -> None:
    """Credentials or contract are broken: only a person can help."""
    with transaction.atomic():
        row = ErpConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        _note_error(row, text)
        if row.state == states.ACTIVE:
            states.CONNECTION.move(row, "stop")
            row.state_reason = text
        row.save(update_fields=["state", "state_reason", "last_error", "last_error_at"])


def _note_error(row: ErpConnection, text: str) -> datetime:
    now = database_time()
    row.last_error, row.last_error_at = text, now
    return now


def database_time() -> datetime:
    """The database's clock decides; those of several workers may differ."""
    with database.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cast(datetime, cursor.fetchone()[0])
