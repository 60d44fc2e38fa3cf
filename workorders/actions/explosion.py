"""The lines of a bill with its phantoms exploded: what is really drawn, how much of it, and through which phantoms.

Reads only. A phantom has no stock and no order of its own; its bill's lines take its place at the operation it names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from django.utils.translation import gettext as _

from mes.kernel.errors import Blocker
from workorders.conversion import convert
from workorders.models import BillOfMaterials, BomLine, Item, UnitOfMeasure

#: Deeper nesting of phantoms than any product has; a bill that leads back to itself is found long before.
DEEPEST = 20


@dataclass(frozen=True)
class Line:
    """One component of a bill: how much of it for one unit of what the bill is of, where, and by way of what."""

    item: Item
    quantity_per: Decimal
    unit: UnitOfMeasure | None
    unit_code: str
    operation: int | None
    path: tuple[str, ...] = ()


def lines_of(bom: BillOfMaterials) -> Iterator[Line]:
    """The lines of BOM as they were written, phantoms not exploded."""
    rows: list[BomLine] = list(bom.lines.select_related("item__unit", "unit").order_by("id"))
    for row in rows:
        yield Line(row.item, row.quantity_per, row.unit, row.unit.code, row.operation)


def exploded(line: Line, blockers: list[Blocker]) -> Iterator[Line]:
    """LINE, or the lines of the bill of the phantom it names, to any depth. What stands in the way goes to BLOCKERS.

    Raises what `convert` raises for a phantom whose unit has no conversion.
    """
    item = line.item
    if not item.is_phantom or line.unit is None:
        yield line
        return
    if item.code in line.path or len(line.path) >= DEEPEST:
        circle = " › ".join((*line.path, item.code))
        blockers.append(Blocker("bom_circle", _("The bill leads back to itself: {path}.").format(path=circle)))
        return
    bom = BillOfMaterials.objects.filter(item=item, is_active=True).order_by("-id").first()
    if bom is None:
        text = _("Phantom {item} has no bill of materials to explode.").format(item=item.code)
        blockers.append(Blocker("phantom_without_bom", text))
        return
    times = convert(line.quantity_per, item, line.unit, item.unit)
    for below in lines_of(bom):
        deeper = replace(
            below,
            quantity_per=below.quantity_per * times,
            operation=line.operation,
            path=(*line.path, item.code),
        )
        yield from exploded(deeper, blockers)
