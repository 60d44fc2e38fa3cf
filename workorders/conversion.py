"""Conversion of quantities between units: exact fractions, never rounded to nothing. Reads only."""

from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext as _

from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Refused
from mes.kernel.quantities import LIMIT, STEP
from workorders.models import Item, UnitConversion, UnitOfMeasure


def convert(quantity: Decimal, item: Item, from_unit: UnitOfMeasure, to_unit: UnitOfMeasure) -> Decimal:
    """QUANTITY in TO_UNIT, exactly where six places allow it.

    Raises `unit_mismatch` without a conversion, `conversion_vanishes` when the result would round to zero.
    """
    if from_unit.pk == to_unit.pk:
        return quantity
    ratio = _ratio(item, from_unit, to_unit)
    exact = Fraction(quantity) * ratio
    if abs(exact) >= LIMIT:
        raise Refused("invalid", field="quantity", why=_("the number is too large"))
    result = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(STEP)
    if quantity and not result:
        raise Refused(
            "conversion_vanishes", quantity=decimal_text(quantity), from_unit=from_unit.code, to_unit=to_unit.code
        )
    return result


def _ratio(item: Item, from_unit: UnitOfMeasure, to_unit: UnitOfMeasure) -> Fraction:
    known = UnitConversion.objects.filter(from_unit__in=[from_unit, to_unit], to_unit__in=[from_unit, to_unit]).filter(
        item__in=[item.pk]
    ) | UnitConversion.objects.filter(
        from_unit__in=[from_unit, to_unit], to_unit__in=[from_unit, to_unit], item__isnull=True
    )
    # The item's own conversion wins over the general one.
    for row in sorted(known, key=lambda found: found.item_id is None):
        ratio = Fraction(row.numerator, row.denominator)
        return ratio if row.from_unit_id == from_unit.pk else 1 / ratio
    raise Refused("unit_mismatch", item=item.code, from_unit=from_unit.code, to_unit=to_unit.code)
