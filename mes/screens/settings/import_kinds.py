"""What can be imported as a table: the columns of each kind, the rows its command takes, and the table saved again."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from mes.kernel.canonical import decimal_text
from mes.screens.desk.table_files import FileRow, Layout
from workorders.actions import masterdata, receiving
from workorders.actions.imports import Row
from workorders.models import BomLine, Item, RoutingStep, WorkCenter, WorkOrder


@dataclass(slots=True)
class Entry:
    """One row for the command, with the lines of the table it was made of."""

    key: str
    row: Row
    lines: list[FileRow] = field(default_factory=list)

    @property
    def fault(self) -> str:
        """What keeps the whole entry back: one of its lines is wrong already."""
        return next((line.fault for line in self.lines if line.fault), "")


@dataclass(frozen=True)
class Kind:
    """One kind of table."""

    key: str
    label: StrOrPromise
    says: StrOrPromise
    right: str
    layout: Layout
    send: Callable[..., Any]
    entries: Callable[[list[FileRow]], list[Entry]]
    saved: Callable[[int], Iterable[tuple[Any, ...]]]


def _single(key: str) -> Callable[[list[FileRow]], list[Entry]]:
    """Every line is a record of its own, known by column KEY."""

    def entries(rows: list[FileRow]) -> list[Entry]:
        return [Entry(row.values.get(key, ""), dict(row.values), [row]) for row in rows]

    return entries


def _grouped(inner: str, rename: dict[str, str]) -> Callable[[list[FileRow]], list[Entry]]:
    """Lines of the same item and version are one record; the other columns become the list INNER."""

    def entries(rows: list[FileRow]) -> list[Entry]:
        found: dict[tuple[str, str], Entry] = {}
        for row in rows:
            item, version = row.values.get("item", ""), row.values.get("version", "1")
            entry = found.setdefault(
                (item, version), Entry(f"{item} {version}", {"item": item, "version": version, inner: []})
            )
            rest = {
                rename.get(name, name): text for name, text in row.values.items() if name not in ("item", "version")
            }
            entry.row[inner].append(rest)
            entry.lines.append(row)
        return list(found.values())

    return entries


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _items(site_id: int) -> Iterator[tuple[Any, ...]]:
    for item in Item.objects.filter(site_id=site_id).select_related("unit").order_by("code").iterator():
        over = decimal_text(item.over_percent)
        phantom, active = _yes(item.is_phantom), _yes(item.is_active)
        yield item.code, item.name, item.unit.code, item.tracking, over, phantom, active


def _work_centers(site_id: int) -> Iterator[tuple[Any, ...]]:
    for center in WorkCenter.objects.filter(site_id=site_id).order_by("code").iterator():
        yield center.code, center.name, center.count_source, _yes(center.is_active)


def _boms(site_id: int) -> Iterator[tuple[Any, ...]]:
    rows = BomLine.objects.filter(bom__site_id=site_id, bom__is_active=True)
    rows = rows.select_related("bom__item", "item", "unit").order_by("bom__item__code", "operation", "id")
    for line in rows.iterator():
        per = decimal_text(line.quantity_per)
        yield line.bom.item.code, line.bom.version, line.item.code, per, line.unit.code, line.operation


def _routings(site_id: int) -> Iterator[tuple[Any, ...]]:
    rows = RoutingStep.objects.filter(routing__site_id=site_id, routing__is_active=True)
    rows = rows.select_related("routing__item", "work_center").order_by("routing__item__code", "sequence")
    for step in rows.iterator():
        yield (
            step.routing.item.code,
            step.routing.version,
            step.sequence,
            step.name,
            step.work_center.code,
            decimal_text(step.setup_minutes),
            decimal_text(step.run_minutes_per_unit),
            step.instruction,
            _yes(step.overlap),
        )


def _orders(site_id: int) -> Iterator[tuple[Any, ...]]:
    rows = WorkOrder.objects.filter(site_id=site_id, state__in=("RECEIVED", "PLANNED"))
    for order in rows.select_related("item", "unit").order_by("number").iterator():
        definition = order.definition or {}
        need = order.need_date.isoformat() if order.need_date else ""
        yield (
            order.number,
            order.item.code,
            decimal_text(order.quantity),
            order.unit.code,
            need,
            order.customer_order,
            order.priority,
            definition.get("routing", ""),
            definition.get("bom", ""),
        )


KINDS = (
    Kind(
        "items",
        gettext_lazy("Items"),
        gettext_lazy("One line for each item. Tracking is NONE, LOT or SERIAL; phantom and active are yes or no."),
        "import_items",
        Layout(
            ("code", "name", "unit", "tracking", "over_percent", "phantom", "active"),
            ("code", "unit"),
            ("over_percent",),
        ),
        masterdata.import_items,
        _single("code"),
        _items,
    ),
    Kind(
        "boms",
        gettext_lazy("Components"),
        gettext_lazy("One line for each component. Lines of the same item and version are one bill of materials."),
        "import_boms",
        Layout(
            ("item", "version", "component", "quantity_per", "unit", "operation"),
            ("item", "component", "quantity_per"),
            ("quantity_per",),
        ),
        masterdata.import_boms,
        _grouped("lines", {"component": "item"}),
        _boms,
    ),
    Kind(
        "routings",
        gettext_lazy("Steps"),
        gettext_lazy("One line for each step. Lines of the same item and version are one routing."),
        "import_routings",
        Layout(
            (
                "item",
                "version",
                "sequence",
                "name",
                "work_center",
                "setup_minutes",
                "run_minutes_per_unit",
                "instruction",
                "overlap",
            ),
            ("item", "sequence", "work_center"),
            ("setup_minutes", "run_minutes_per_unit"),
        ),
        masterdata.import_routings,
        _grouped("operations", {}),
        _routings,
    ),
    Kind(
        "work-centers",
        gettext_lazy("Work centers"),
        gettext_lazy("One line for each work center. Who counts is OPERATOR, MACHINE or MACHINE_PROPOSES."),
        "import_work_centers",
        Layout(("code", "name", "count_source", "active"), ("code",)),
        masterdata.import_work_centers,
        _single("code"),
        _work_centers,
    ),
    Kind(
        "orders",
        gettext_lazy("Orders"),
        gettext_lazy("One line for each order. A date is written as 2027-03-31. Released orders are not changed."),
        "import_orders",
        Layout(
            (
                "number",
                "item",
                "quantity",
                "unit",
                "need_date",
                "customer_order",
                "priority",
                "routing",
                "bom",
            ),
            ("number", "item", "quantity"),
            ("quantity",),
        ),
        receiving.import_orders,
        _single("number"),
        _orders,
    ),
)


def kind_of(key: str) -> Kind:
    """The kind named KEY, or the first one."""
    return next((kind for kind in KINDS if kind.key == key), KINDS[0])


def partner_fault() -> str:
    """Why a sound line of a record is kept back."""
    return str(_("Another line of the same version is wrong; a version comes in whole or not at all."))
