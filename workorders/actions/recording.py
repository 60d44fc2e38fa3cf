"""Setting the values of one master record and telling of it: what was, what is. Which values are right is decided by
the action that calls.
"""

from datetime import date, time
from typing import Any, cast

from django.db.models import Model
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.errors import Refused
from mes.kernel.locking import lock_one
from workorders import events
from workorders.actions.imports import CREATED, UNCHANGED, UPDATED, Row, number_of


def code_of(row: Row, field: str = "code", limit: int = 20) -> str:
    """A code of at most LIMIT characters; the rules of human numbers hold. Raises `invalid`."""
    code = number_of(row, field)
    if len(code) > limit:
        raise Refused("invalid", field=field, why=_("1 to {limit} characters are needed").format(limit=limit))
    return code


def name_of(row: Row, field: str) -> str:
    """The code in FIELD by which another record is looked up, or nothing. Raises `invalid` for what no code can be."""
    code = str(row.get(field) or "")
    if not code.isprintable():
        raise Refused("invalid", field=field, why=_("control characters are not allowed"))
    return code


def own(model: Any, actor: Actor, pk: int | None, what: str, rank: str = "", path: str = "site_id") -> Any:
    """The row PK of the actor's site, locked where RANK names its place in the lock order. Raises `not_found`."""
    rows = model.objects.filter(**{path: actor.site_id})
    found = lock_one(rows, rank, cast(int, pk)) if rank else rows.filter(pk=pk).first()
    if found is None:
        raise Refused("not_found", what=what, number=pk)
    return found


def require_free(taken: bool, what: str, code: str) -> None:
    """Raises `code_taken` when TAKEN."""
    if taken:
        raise Refused("code_taken", what=what, code=code)


def keep(row: Any, kind: str, values: Row, *, label: str = "", site_id: int) -> str:
    """Set VALUES on ROW, save it, and tell what changed. Returns `created`, `updated` or `unchanged`."""
    is_new = bool(row._state.adding)
    changed = {name: value for name, value in values.items() if is_new or getattr(row, name) != value}
    if not changed and not is_new:
        return UNCHANGED
    before = {} if is_new else {name: _shown(getattr(row, name)) for name in changed}
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(force_insert=is_new)
    after = {name: _shown(value) for name, value in changed.items()}
    name = events.MASTERDATA_ADDED if is_new else events.MASTERDATA_CHANGED
    told: Row = {"values": after} if is_new else {"values": after, "before": before}
    events.masterdata_event(name, kind, row.pk, label or str(row), site_id, **told)
    return CREATED if is_new else UPDATED


def drop(row: Any, kind: str, values: Row, *, label: str = "", site_id: int) -> None:
    """Delete ROW, of which no fact speaks, and tell what it was."""
    pk, name = row.pk, label or str(row)
    row.delete()
    shown = {field: _shown(value) for field, value in values.items()}
    events.masterdata_event(events.MASTERDATA_REMOVED, kind, pk, name, site_id, before=shown)


def _shown(value: Any) -> Any:
    if isinstance(value, Model):
        return str(value)
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return value.isoformat() if isinstance(value, date) else value
