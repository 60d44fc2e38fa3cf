"""The feed of business events: in the order of commit, and complete. Reads the kernel's log, nothing of the plant."""

import json
from typing import Any

from django.db import connection

from mes.api.paging import decode, encode, limit_of
from mes.kernel.canonical import instant_text

#: An event of a transaction that began later than one still running could be overtaken; it waits until none is older.
FEED = """
SELECT tx, id, uuid, name, version, label, actor_kind, actor_id, actor_name, occurred_at, recorded_at, command_id,
       payload::text
  FROM kernel_event
 WHERE site_id = %s AND (tx, id) > (%s, %s) AND tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
 ORDER BY tx, id LIMIT %s
"""


def feed(site_id: int, query: dict[str, str]) -> dict[str, Any]:
    """The events of a site after the cursor `since`, oldest first. The next cursor is never null."""
    limit = limit_of(query)
    since = query.get("since") or encode(0, 0)
    tx, last = decode(since, 2, "since")
    with connection.cursor() as cursor:
        cursor.execute(FEED, [site_id, tx, last, limit])
        rows = cursor.fetchall()
    next_cursor = encode(rows[-1][0], rows[-1][1]) if rows else since
    return {"items": [_event(*row[1:]) for row in rows], "next_cursor": next_cursor}


def _event(
    pk: int,
    uuid: Any,
    name: str,
    version: int,
    label: str,
    actor_kind: str,
    actor_id: int,
    actor_name: str,
    occurred_at: Any,
    recorded_at: Any,
    command_id: Any,
    payload: str,
) -> dict[str, Any]:
    return {
        "id": pk,
        "uuid": uuid,
        "name": name,
        "version": version,
        "subject": label,
        "actor": {"kind": actor_kind, "id": actor_id, "name": actor_name},
        "occurred_at": instant_text(occurred_at),
        "recorded_at": instant_text(recorded_at),
        "command_id": command_id,
        "payload": json.loads(payload),
    }
