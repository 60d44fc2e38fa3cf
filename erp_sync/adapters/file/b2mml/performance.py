"""Writes a completed order as OperationsPerformance of B2MML version 7, and reads the figures of one back.

One response per order, under the message's key: a segment per operation with its duration, and one segment ORDER with
all material. B2MML has no use for scrap, so it stands as `<MaterialUse OtherValue="Scrap">Other</MaterialUse>`.
"""

from collections.abc import Iterator
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

from lxml import etree

from erp_sync.adapters.errors import Rejected
from erp_sync.adapters.file.b2mml.durations import duration_of, spelled
from erp_sync.adapters.file.b2mml.parsing import V7, Element, child, children, complaint_of, parse, said
from erp_sync.facts import Disposition, OrderCompletion
from erp_sync.messages import ConsumedTotal, OrderState, OrderTotals

WHOLE = "ORDER"
_SCRAP = "Scrap"


def render(fact: OrderCompletion) -> bytes:
    """The document of a fact; the same fact always gives the same bytes. Raises `Rejected` when B2MML cannot say it."""
    at = fact.finished_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    root = etree.Element(f"{{{V7}}}OperationsPerformance", nsmap={None: V7})
    _put(root, "ID", fact.key)
    _put(root, "PublishedDate", at)
    _put(root, "OperationsType", "Production")
    _put(root, "PerformanceState", "Completed")
    response = _put(root, "OperationsResponse")
    _put(response, "ID", fact.key)
    _put(response, "EndTime", at)
    _put(response, "OperationsType", "Production")
    _put(response, "OperationsRequestID", fact.order)
    _put(response, "ResponseState", "Completed")
    for operation in fact.operations:
        segment = _put(response, "SegmentResponse")
        _put(segment, "ID", f"{fact.key}-{operation.sequence}")
        _put(segment, "ProcessSegmentID", operation.name)
        _put(segment, "SegmentRequirementID", str(operation.sequence))
        _put(segment, "SegmentState", "Completed")
        data = _put(segment, "SegmentData")
        _put(data, "ID", "Duration")
        value = _put(data, "Value")
        _put(value, "ValueString", spelled(operation.duration))
        _put(value, "DataType", "duration")
    whole = _put(response, "SegmentResponse")
    _put(whole, "ID", f"{fact.key}-{WHOLE}")
    _put(whole, "ActualEndTime", at)
    _put(whole, "ProcessSegmentID", WHOLE)
    _put(whole, "SegmentState", "Completed")
    for place, (use, item, lot, quantity, unit) in enumerate(_material(fact), 1):
        actual = _put(whole, "MaterialActual")
        _put(actual, "ID", f"{fact.key}-M{place}")
        _put(actual, "MaterialDefinitionID", item)
        if lot:
            _put(actual, "MaterialLotID", lot)
        if use == _SCRAP:
            _put(actual, "MaterialUse", "Other").set("OtherValue", _SCRAP)
        else:
            _put(actual, "MaterialUse", use)
        amount = _put(actual, "Quantity")
        _put(amount, "QuantityString", format(quantity.normalize(), "f"))
        _put(amount, "DataType", "decimal")
        _put(amount, "UnitOfMeasure", unit)
    etree.indent(root)
    complaint = complaint_of(root, "OperationsPerformance")
    if complaint:
        raise Rejected("not_valid", f"The completion of order {fact.order} cannot be said in B2MML: {complaint}")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n")


def _material(fact: OrderCompletion) -> Iterator[tuple[str, str, str | None, Decimal, str]]:
    for line in fact.consumed:
        yield "Consumed", line.item, line.lot, line.quantity, line.unit
    for made in fact.outputs:
        use = "Produced" if made.disposition is Disposition.GOOD else _SCRAP
        yield use, made.item, made.lot, made.quantity, made.unit


def _put(parent: Element, name: str, text: str | None = None) -> Element:
    element = etree.SubElement(parent, f"{{{V7}}}{name}")
    element.text = text
    return element


def totals_of(content: bytes) -> OrderTotals:
    """The figures a document of ours tells. Raises `NotTaken` when it is no well-formed one."""
    response = child(parse(content), "OperationsResponse")
    good = scrap = Decimal(0)
    unit, consumed, time = "", [], timedelta()
    for segment in children(response, "SegmentResponse"):
        if child(segment, "SegmentData") is not None:
            time += duration_of(said(segment, "SegmentData", "Value", "ValueString")) or timedelta()
        for actual in children(segment, "MaterialActual"):
            line = _actual(actual)
            if line["use"] == "Consumed":
                consumed.append(ConsumedTotal(line["item"], line["lot"], line["quantity"], line["unit"]))
                continue
            unit = line["unit"]
            if line["use"] == "Produced":
                good += line["quantity"]
            else:
                scrap += line["quantity"]
    order = said(response, "OperationsRequestID")
    return OrderTotals(order, OrderState.DONE, good, scrap, unit, tuple(consumed), time)


def _actual(actual: Element) -> dict[str, Any]:
    return {
        "use": said(actual, "MaterialUse"),
        "item": said(actual, "MaterialDefinitionID"),
        "lot": said(actual, "MaterialLotID") or None,
        "quantity": Decimal(said(actual, "Quantity", "QuantityString")),
        "unit": said(actual, "Quantity", "UnitOfMeasure"),
    }
