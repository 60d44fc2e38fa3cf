"""One work center: when it ran, was set up or stood, as far as the runs on its operations say."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused
from workorders.models import Hold, WorkCenter

RUN, SET_UP, IDLE = "run", "setup", "idle"


def find_work_center(site_id: int, reference: str) -> WorkCenter:
    """The work center of a code, or of `~ID`. Raises `not_found`."""
    rows = WorkCenter.objects.filter(site_id=site_id).select_related("area", "site", "calendar", "location")
    if reference.startswith("~"):
        found = rows.filter(pk=int(reference[1:])).first() if reference[1:].isdecimal() else None
    else:
        found = rows.filter(code=reference).first() if "\0" not in reference else None
    if found is None:
        raise Refused("not_found", what=_("Work center"), number=reference[:64].replace("\0", ""))
    return found


@dataclass(frozen=True, slots=True)
class StateSpan:
    """A stretch of time in one state."""

    state: str
    start: datetime
    end: datetime

    @property
    def minutes(self) -> float:
        return (self.end - self.start).total_seconds() / 60


SPANS = """
SELECT kind, lower(span), upper(span)
  FROM (SELECT r.kind, unnest(range_agg(tstzrange(greatest(r.started_at, %(since)s),
                                                  least(coalesce(r.ended_at, %(now)s), %(now)s)))) AS span
          FROM workorders_operationrun r JOIN workorders_operation o ON o.id = r.operation_id
         WHERE o.work_center_id = %(center)s AND r.voided_by IS NULL AND r.started_at < %(now)s
           AND (r.ended_at IS NULL OR r.ended_at > %(since)s)
         GROUP BY r.kind) x
 WHERE NOT isempty(span)
 ORDER BY 2
"""


def states_of(center_id: int, since: datetime, now: datetime) -> list[StateSpan]:
    """The states from SINCE to NOW without gaps. Where something runs while something else is set up, it runs."""
    facts: dict[str, Any] = {"center": center_id, "since": since, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(SPANS, facts)
        rows = cursor.fetchall()
    edges = sorted({since, now, *(moment for _kind, start, end in rows for moment in (start, end))})
    return list(_joined(_piece(rows, start, end) for start, end in pairwise(edges)))


def _piece(rows: list[tuple[str, datetime, datetime]], start: datetime, end: datetime) -> StateSpan:
    kinds = {kind for kind, begin, until in rows if begin <= start and end <= until}
    return StateSpan(RUN if "RUN" in kinds else SET_UP if "SETUP" in kinds else IDLE, start, end)


def _joined(pieces: Iterator[StateSpan]) -> Iterator[StateSpan]:
    open_piece: StateSpan | None = None
    for piece in pieces:
        if open_piece and open_piece.state == piece.state:
            open_piece = StateSpan(piece.state, open_piece.start, piece.end)
            continue
        if open_piece:
            yield open_piece
        open_piece = piece
    if open_piece:
        yield open_piece


def holds_on(center: WorkCenter) -> list[Hold]:
    """The open holds on the work center itself."""
    return list(
        Hold.objects.filter(work_center=center, released_at__isnull=True).select_related("reason", "work_center")
    )
