"""The right to read a group: claimed, renewed, given back. No command: nobody decided it.

Only the database's clock decides what has expired. A lease that ran out while the database itself was down is nobody's
fault: for two lives of a lease after its start nobody may claim what another still names its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

CLAIM = """
UPDATE devices_polllease
   SET owner = %(owner)s, boot = %(boot)s, fence = fence + 1, batch = 0,
       expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
 WHERE group_id = %(group)s AND (owner = '' OR expires_at < clock_timestamp())
   AND (owner = '' OR clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => 2 * %(ttl)s))
RETURNING fence, clock_timestamp()
"""
END = "UPDATE devices_leaseepoch SET ended_at = clock_timestamp() WHERE group_id = ANY(%s) AND ended_at IS NULL"
BEGIN = "INSERT INTO devices_leaseepoch (group_id, fence, owner, claimed_at) VALUES (%s, %s, %s, clock_timestamp())"
RENEW = """
UPDATE devices_polllease l
   SET expires_at = clock_timestamp() + make_interval(secs => %(ttl)s)
  FROM unnest(%(groups)s::bigint[], %(fences)s::bigint[]) AS x (group_id, fence)
 WHERE l.group_id = x.group_id AND l.fence = x.fence AND l.owner = %(owner)s AND l.boot = %(boot)s
RETURNING l.group_id, (SELECT string_agg(d.id || ':' || d.version, ',' ORDER BY d.id)
                         FROM devices_device d WHERE d.group_id = l.group_id AND d.is_active), clock_timestamp()
"""
RELEASE = """
UPDATE devices_polllease
   SET owner = '', boot = NULL, expires_at = clock_timestamp()
 WHERE group_id = ANY(%s) AND owner = %s AND boot = %s
RETURNING group_id
"""
FREE = """
SELECT l.group_id FROM devices_polllease l
 WHERE (l.owner = '' OR l.expires_at < clock_timestamp())
   AND (l.owner = '' OR clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => 2 * %(ttl)s))
   AND EXISTS (SELECT 1 FROM devices_device d WHERE d.group_id = l.group_id AND d.is_active)
 ORDER BY l.group_id
"""


@dataclass(frozen=True)
class Holder:
    """One collector process. Two of the same name have different boots, and never share a lease."""

    name: str
    boot: UUID
    ttl: float


@dataclass(frozen=True)
class Claim:
    fence: int
    database_time: datetime


class Renewed(NamedTuple):
    """The groups still held with the mark of what they read, and the database's clock (None: nothing was held)."""

    marks: dict[int, str]
    database_time: datetime | None


def _facts(holder: Holder) -> dict[str, Any]:
    return {"owner": holder.name, "boot": holder.boot, "ttl": holder.ttl}


def claim_group(group_id: int, holder: Holder) -> Claim | None:
    """Take a free or expired group over, or None. Waits for whoever is storing for it; his fence is void after."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(CLAIM, _facts(holder) | {"group": group_id})
        row = cursor.fetchone()
        if row is None:
            return None
        cursor.execute(END, [[group_id]])
        cursor.execute(BEGIN, [group_id, row[0], holder.name])
        return Claim(row[0], row[1])


def renew_groups(holder: Holder, fences: Mapping[int, int]) -> Renewed:
    """Prolong what HOLDER still holds. A group that is missing from the answer belongs to somebody else now."""
    with connection.cursor() as cursor:
        cursor.execute(RENEW, _facts(holder) | {"groups": list(fences), "fences": list(fences.values())})
        rows = cursor.fetchall()
    return Renewed({group: mark or "" for group, mark, _time in rows}, rows[0][2] if rows else None)


def release_groups(holder: Holder, groups: list[int]) -> None:
    """Give groups back at once, so that others need not wait for the lease to run out."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(RELEASE, [groups, holder.name, holder.boot])
        cursor.execute(END, [[row[0] for row in cursor.fetchall()]])


def free_groups(ttl: float) -> list[int]:
    """Groups with something to read that nobody reads."""
    with connection.cursor() as cursor:
        cursor.execute(FREE, {"ttl": ttl})
        return [row[0] for row in cursor.fetchall()]
