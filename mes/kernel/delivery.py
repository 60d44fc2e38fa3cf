"""Deliveries: claim in order per subscriber and subject, hand over, settle, retry with jitter, park with a reason.

A parked or open delivery holds back the later ones of its own subject only. Nothing here needs the broker.
"""

import logging
import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from mes.kernel.events import SUBSCRIBERS
from mes.kernel.models import Delivery, Event

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 600.0
ATTEMPTS = 12

CLAIM = """
UPDATE kernel_delivery
   SET lease_token = %(token)s, leased_until = clock_timestamp() + %(lease)s, attempts = attempts + 1
 WHERE id = (
    SELECT d.id FROM kernel_delivery d
     WHERE d.status = 'OPEN' AND d.not_before <= clock_timestamp()
       AND (d.leased_until IS NULL OR d.leased_until < clock_timestamp())
       AND d.subscriber = ANY(%(subscribers)s)
       AND NOT EXISTS (SELECT 1 FROM kernel_delivery e
                        WHERE e.subscriber = d.subscriber AND e.subject = d.subject
                          AND e.status IN ('OPEN', 'PARKED') AND e.event_id < d.event_id)
     ORDER BY d.event_id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, event_id, subscriber, attempts
"""


class Park(Exception):
    """Raised by a subscriber: this delivery can never pass as it is; the reason is for people."""


@dataclass(frozen=True)
class Claimed:
    id: int
    event_id: int
    subscriber: str
    attempts: int
    token: UUID


def claim(lease: timedelta = LEASE) -> Claimed | None:
    """Lease the oldest delivery that may go now, or None. The lease ends by itself if this process dies."""
    token = uuid4()
    with transaction.atomic(), connection.cursor() as cursor:
        parameters: dict[str, Any] = {"token": token, "lease": lease, "subscribers": list(SUBSCRIBERS)}
        cursor.execute(CLAIM, parameters)
        row = cursor.fetchone()
    return Claimed(row[0], row[1], row[2], row[3], token) if row else None


def deliver_one(claimed: Claimed) -> None:
    """Hand the event over and settle under the lease; a settled lease of a slower twin changes nothing."""
    if claimed.attempts > ATTEMPTS:  # every earlier worker died with it: no other end is left to count
        reason = f"Given up: {ATTEMPTS} workers ended before they could say what became of it."
        _settle(claimed, status=Delivery.PARKED, parked_reason=reason)
        return
    try:
        SUBSCRIBERS[claimed.subscriber].handle(Event.objects.get(pk=claimed.event_id))
    except Park as park:
        _settle(claimed, status=Delivery.PARKED, parked_reason=str(park))
    except Exception as error:  # whatever a subscriber does, the delivery is kept and tried again
        log.exception("Delivery %s to %s failed", claimed.id, claimed.subscriber)
        reason = f"{type(error).__name__}: {error}"[:500]
        if claimed.attempts >= ATTEMPTS:
            _settle(
                claimed, status=Delivery.PARKED, parked_reason=f"Given up after {claimed.attempts} attempts. {reason}"
            )
        else:
            _settle(claimed, not_before=timezone.now() + pause(claimed.attempts))
    else:
        _settle(claimed, status=Delivery.DONE, settled_at=timezone.now())


def pause(attempts: int) -> timedelta:
    """Full jitter: a random time up to a limit that doubles with each attempt."""
    limit = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempts)
    return timedelta(seconds=random.uniform(0, limit))  # noqa: S311 - jitter, not a secret


def _settle(claimed: Claimed, **changes: Any) -> None:
    Delivery.objects.filter(pk=claimed.id, lease_token=claimed.token, status=Delivery.OPEN).update(
        lease_token=None, leased_until=None, **changes
    )


def drain(limit: int = 1000) -> int:
    """Deliver until nothing may go now (or LIMIT). Returns how many were handed over."""
    for done in range(limit):
        claimed = claim()
        if claimed is None:
            return done
        deliver_one(claimed)
    return limit
