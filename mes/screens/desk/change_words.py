"""A requested change of an order in words."""

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from workorders.actions.changes import CHANGEABLE, readable


def change_text(changes: dict[str, dict[str, str | None]]) -> str:
    """CHANGES in one line: “Quantity 40 → 30, need date 1 Dec → 28 Nov”."""
    parts = []
    for name in CHANGEABLE:  # the database does not keep the order of the fields
        if name not in changes:
            continue
        change = changes[name]
        before, after = (_shown(change[side]) for side in ("from", "to"))
        parts.append(_("{field} {before} → {after}").format(field=readable(name), before=before, after=after))
    return ", ".join(parts)


def _shown(value: str | None) -> str:
    moment = parse_datetime(value) if value and "T" in value else None
    if moment is not None:
        return str(formats.date_format(timezone.localtime(moment), "j M Y H:i"))
    return value or "–"
