"""The forms of a machine and of its tags: which fields they have, in which words, what was typed. Checks nothing."""

from collections.abc import Iterable
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from devices.actions.fields import TAG as TAG_PARSERS
from devices.drivers.decoding import ORDERS, TYPES, width
from devices.interpretation import STATES
from devices.models import Device, Tag
from mes.screens.desk.acts import Field, reason_choices
from mes.screens.desk.device_words import ROLES, TABLES
from workorders.models import WorkCenter

DEVICE = ("name", "host", "port", "unit", "interval_ms", "timeout_ms", "stale_seconds", "max_registers", "max_gap")
TAG = (
    "name", "role", "table", "address", "data_type", "byte_order", "bit", "state_codes", "min_run_seconds",
    "pieces_per_count", "max_rate", "on_reset", "scale", "offset", "unit_text", "dead_band",
)  # fmt: skip


def typed(query: QueryDict, names: Iterable[str]) -> dict[str, Any]:
    """What the form sent of NAMES; what it did not send keeps its default."""
    return {name: query[name] for name in names if name in query}


def looked_at(query: QueryDict) -> dict[str, Any]:
    """Table, address, data type and length of what a preview reads. Raises `invalid`."""
    found = {name: TAG_PARSERS[name](name, query.get(name, "")) for name in ("table", "address", "data_type")}
    found["count"] = 1 if found["table"] in ("COIL", "DISCRETE") else width(found["data_type"])
    return found


def _filled(fields: list[Field], row: Any, query: QueryDict | None) -> list[tuple[Field, str]]:
    if query is not None:
        return [(one, query.get(one.name, "")[:2000]) for one in fields]
    return [(one, one.value if row is None else _text(row, one.name)) for one in fields]


def _text(row: Any, name: str) -> str:
    if name == "work_center":
        return str(row.work_unit.work_center.code)
    if name == "work_unit":
        return str(row.work_unit.code)
    if name == "scrap_reason":
        return row.scrap_reason.code if row.scrap_reason else ""
    if name == "state_codes":
        return "\n".join(f"{code} = {state}" for code, state in sorted(row.state_codes.items(), key=_by_code))
    value = getattr(row, name)
    if isinstance(value, bool):
        return "1" if value else ""
    return (
        "" if value is None else f"{value:f}".rstrip("0").rstrip(".") if name == "pieces_per_count" else _plain(value)
    )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _by_code(pair: tuple[str, str]) -> int:
    return int(pair[0])


def device_form(site_id: int, device: Device | None, query: QueryDict | None) -> list[tuple[Field, str]]:
    centers = WorkCenter.objects.filter(site_id=site_id, is_active=True).order_by("area__sequence", "sequence", "code")
    choices = tuple((code, f"{code} {name}") for code, name in centers.values_list("code", "name"))
    fields = [
        Field("name", _("Name"), required=True),
        Field("work_center", _("Work center"), "choice", True, choices),
        Field("work_unit", _("Place"), hint=_("Where a work center has several machines; else left empty.")),
        Field("host", _("Address"), required=True, hint=_("A host name or an IP address.")),
        Field("port", _("Port"), "number", True, value="502"),
        Field("unit", _("Unit id"), "number", True, value="1", hint=_("0 to 255; behind a gateway each has its own.")),
        Field("interval_ms", _("Read every"), "number", True, value="1000", unit="ms"),
        Field("timeout_ms", _("Wait for an answer"), "number", True, value="1000", unit="ms"),
        Field("stale_seconds", _("Not known after"), "number", True, value="10", unit="s"),
        Field("max_registers", _("Registers a request"), "number", True, value="125", hint=_("Small ones take fewer.")),
        Field("max_gap", _("Unused registers read along"), "number", True, value="16"),
    ]  # fmt: skip
    if device is not None:
        fields.append(Field("is_active", _("It is read"), "check"))
    return _filled(fields, device, query)


def tag_form(site_id: int, tag: Tag | None, query: QueryDict | None) -> dict[str, Any]:
    """The form of a tag in parts: where it lies, and what it means."""
    roles = tuple((code, str(word)) for code, word in ROLES.items())
    tables = tuple((code, str(word)) for code, word in TABLES.items())
    where = [
        Field("name", _("Name"), required=True),
        Field("role", _("What it is"), "choice", True, roles, value="VALUE"),
        Field("table", _("Where"), "choice", True, tables, value="HOLDING"),
        Field("address", _("Place"), "number", True, hint=_("Counted from 0.")),
        Field("data_type", _("Data type"), "choice", True, tuple((each, each) for each in TYPES), value="UINT16"),
        Field("byte_order", _("Byte order"), "choice", True, tuple((each, each) for each in ORDERS), value="ABCD"),
        Field("bit", _("Bit"), "number", hint=_("Only where one bit of a register is meant.")),
    ]
    reasons = reason_choices(site_id, "SCRAP")
    resets = (("COUNT", _("was made since")), ("IGNORE", _("is ignored")))
    states_hint = _("One a line, such as 1 = RUN. States: {states}.").format(states=", ".join(STATES))
    meaning = [
        Field("state_codes", _("State: what the codes mean"), "lines", hint=states_hint),
        Field("min_run_seconds", _("State: a run shorter than this is none"), "number", value="0", unit="s"),
        Field("pieces_per_count", _("Counter: pieces a count"), "number", value="1"),
        Field("max_rate", _("Counter: at most"), "number", unit=_("counts/s"), hint=_("A leap beyond counts nothing.")),
        Field("on_reset", _("Counter: what it shows after a reset"), "choice", choices=resets, value="COUNT"),
        Field("scrap_reason", _("Rejects: why they are scrap"), "choice", choices=reasons),
        Field("scale", _("Value: times"), "number", value="1"),
        Field("offset", _("Value: plus"), "number", value="0"),
        Field("unit_text", _("Value: unit")),
        Field("dead_band", _("Value: changes smaller than this are not kept"), "number", value="0"),
    ]  # fmt: skip
    if tag is not None:
        meaning.append(Field("is_active", _("It is read"), "check"))
    return {
        "id": str(tag.pk) if tag is not None else "new",
        "name": tag.name if tag is not None else "",
        "where": _filled(where, tag, query),
        "meaning": _filled(meaning, tag, query),
    }
