"""Reads B2MML documents into entries: schedules into orders, material into items and lots. Their meaning is told in
`translating`; here the words are only lifted out of the tree.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from erp_sync.adapters.file.b2mml.parsing import (
    V0401,
    V7,
    Element,
    child,
    children,
    name_of,
    parse,
    require_valid,
    said,
)
from erp_sync.adapters.file.documents import Document, Entry, NotTaken, key_of
from erp_sync.messages import Entity

_VERBS = ("Sync", "Process", "Change", "Cancel")
_QUESTIONS = ("Get", "Show", "Acknowledge", "Respond", "Confirm")
_SCHEDULES = ("OperationsSchedule", "ProductionSchedule")
_MATERIAL = ("MaterialInformation", "MaterialDefinition", "MaterialLot")
_REQUESTS = ("OperationsRequest", "ProductionRequest")
_SEGMENTS = ("SegmentRequirement", "SegmentRequirementChild")
_PRODUCED = ("Produced", "Material Produced", "Yield Produced")
_CONSUMED = ("Consumed", "Material Consumed", "Consumable")


def read_b2mml(content: bytes) -> Document:
    """The records of a document. Raises `NotTaken` when it is none of those that are read, or not valid."""
    root = parse(content)
    verb, noun = _kind(root)
    require_valid(root, "OperationsSchedule" if noun in _SCHEDULES else "Material")
    bodies = children(child(root, "DataArea"), noun) if verb else [root]
    entries: list[Entry] = []
    for body in bodies:
        entries += _orders(body, verb) if noun in _SCHEDULES else _materials(body, noun)
    if not entries:
        raise NotTaken(f"The document holds no record that is taken: its {noun} is empty. Send what it should say.")
    _require_once(entries)
    stamps = [said(body, "PublishedDate") for body in bodies] + [said(root, "ApplicationArea", "CreationDateTime")]
    return Document(tuple(entries), max((at for at in map(_instant, stamps) if at), default=None))


def _kind(root: Element) -> tuple[str, str]:
    """Verb and noun of the document; the verb is empty where the noun stands alone."""
    name = name_of(root)
    if etree.QName(root).namespace not in (V7, V0401):
        raise NotTaken(
            f"The root element {name} is of the namespace {etree.QName(root).namespace or '(none)'}. "
            f"Read are {V7} and {V0401}."
        )
    for verb in ("", *_VERBS):
        noun = name.removeprefix(verb)
        if name.startswith(verb) and noun in _SCHEDULES + _MATERIAL:
            if verb and child(root, "DataArea") is None:
                raise NotTaken(f"The message {name} has no DataArea. Send the whole message again.")
            return verb, noun
    if name.startswith(_QUESTIONS):
        raise NotTaken(f"{name} is a question or an answer; this folder takes Sync, Process, Change and Cancel alone.")
    raise NotTaken(
        f"The document {name} is not read here. Read are OperationsSchedule, ProductionSchedule and "
        "MaterialInformation, alone or with Sync, Process, Change or Cancel before them."
    )


def _require_once(entries: list[Entry]) -> None:
    seen: dict[tuple[Entity, str], Entry] = {}
    for entry in entries:
        first = seen.setdefault((entry.entity, entry.key), entry)
        if first is not entry:
            raise NotTaken(
                f"Lines {first.lines[0]} and {entry.lines[0]} both say what {entry.entity.value} {entry.key} is. "
                "Leave one of them and send the document again."
            )


def _instant(text: str) -> datetime | None:
    """A time of the sender; one without offset is taken for UTC, one that is none says nothing."""
    # A fraction of more digits than microseconds is cut: some senders write seven.
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _without_blanks(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in ("", None)}


# -------------------------------------------------------------------------------------------------------------- orders


def _orders(schedule: Element, verb: str) -> Iterator[Entry]:
    general = said(schedule, "ScheduleState")
    for request in children(schedule, *_REQUESTS):
        number = said(request, "ID")
        if not number:
            raise NotTaken(f"Line {request.sourceline}: the request has no ID. Give it the number of the order.")
        operations: list[dict[str, Any]] = []
        materials: list[dict[str, Any]] = []
        for segment in children(request, *_SEGMENTS):
            _segment(segment, None, operations, materials)
        body = _without_blanks(
            {
                "number": number,
                "state": "Cancelled" if verb == "Cancel" else said(request, "RequestState") or general,
                "start_date": said(request, "StartTime"),
                "need_date": said(request, "EndTime"),
                "priority": said(request, "Priority"),
            }
        )
        body["operations"] = operations
        body["produced"] = [line for line in materials if line["use"] in _PRODUCED]
        body["materials"] = [line for line in materials if line["use"] not in _PRODUCED]
        yield Entry(Entity.ORDER, key_of(number), body, (request.sourceline,))


def _segment(
    segment: Element, within: int | None, operations: list[dict[str, Any]], materials: list[dict[str, Any]]
) -> None:
    """A segment with equipment, or without segments below it, is an operation; others only group."""
    below = children(segment, *_SEGMENTS)
    center = _work_center(segment)
    here = within
    if center or not below:
        here = len(operations)
        name = said(segment, "Description") or said(segment, "ProcessSegmentID") or said(segment, "ID")
        operations.append(
            _without_blanks(
                {"id": said(segment, "ID"), "name": name, "work_center": center, "duration": said(segment, "Duration")}
            )
        )
    for need in children(segment, "MaterialRequirement"):
        line = {
            "item": said(need, "MaterialDefinitionID"),
            "lot": said(need, "MaterialLotID"),
            "quantity": said(need, "Quantity", "QuantityString"),
            "unit": said(need, "Quantity", "UnitOfMeasure"),
            "use": _use(need),
        }
        materials.append(_without_blanks(line | {"place": here}) | {"use": line["use"]})
    for inner in below:
        _segment(inner, here, operations, materials)


def _work_center(segment: Element) -> str:
    for equipment in children(segment, "EquipmentRequirement"):
        code = said(equipment, "EquipmentID") or said(equipment, "EquipmentClassID")
        if code:
            return code
    return ""


def _use(need: Element) -> str:
    """Material that is not said to be produced is needed; another use is kept for whoever asks."""
    return said(need, "MaterialUse") or _CONSUMED[0]


# ------------------------------------------------------------------------------------------------------------ material


def _materials(information: Element, noun: str) -> Iterator[Entry]:
    alone = noun != "MaterialInformation"
    for definition in [information] if noun == "MaterialDefinition" else children(information, "MaterialDefinition"):
        yield _item(definition)
    for lot in [information] if noun == "MaterialLot" else children(information, "MaterialLot"):
        yield _lot(lot, "" if alone else said(information, "ID"))


def _item(definition: Element) -> Entry:
    code = said(definition, "ID")
    if not code:
        raise NotTaken(f"Line {definition.sourceline}: the material has no ID. Give it the code of the item.")
    properties = _properties(definition, "MaterialDefinitionProperty")
    unit = next((properties[name] for name in ("BaseUnitOfMeasure", "UnitOfMeasure", "Unit") if name in properties), "")
    body = {
        "code": code,
        "name": said(definition, "Description"),
        "unit": unit,
        "tracking": properties.get("Tracking", ""),
    }
    return Entry(Entity.ITEM, key_of(code), _without_blanks(body), (definition.sourceline,))


def _lot(lot: Element, around: str) -> Entry:
    """Older versions name the item by the information around the lot, and quantities on its parts alone."""
    number, item = said(lot, "ID"), said(lot, "MaterialDefinitionID") or around
    if not number or not item:
        raise NotTaken(
            f"Line {lot.sourceline}: the lot has no {'MaterialDefinitionID' if number else 'ID'}. Name it and send "
            "the document again."
        )
    properties = _properties(lot, "MaterialLotProperty")
    parts = children(lot, "MaterialSubLot")
    holders = [lot] if child(lot, "Quantity") is not None else parts
    stock = [
        _without_blanks(
            {
                "quantity": said(part, "Quantity", "QuantityString"),
                "unit": said(part, "Quantity", "UnitOfMeasure"),
                "location": said(part, "StorageLocation", "EquipmentID") or said(part, "StorageLocation"),
            }
        )
        for part in holders
        if child(part, "Quantity") is not None
    ]
    statuses = sorted({said(part, "Status") for part in (lot, *parts)} - {""})
    body = {
        "item": item,
        "number": number,
        "expiry": next((properties[name] for name in ("ExpiryDate", "ExpirationDate") if name in properties), ""),
        "supplier_lot": properties.get("SupplierLot", ""),
    }
    whole = _without_blanks(body) | {"stock": stock, "status": statuses}
    return Entry(Entity.LOT, key_of(item, number), whole, (lot.sourceline,))


def _properties(element: Element, name: str) -> dict[str, str]:
    return {said(each, "ID"): said(each, "Value", "ValueString") for each in children(element, name)}
