"""Units and their exact conversions in: by code, with a result per row. Units are the same at every site."""

from uuid import UUID

from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from workorders.actions.imports import (
    CREATED,
    UNCHANGED,
    UPDATED,
    Result,
    Results,
    Row,
    each_row,
    no_others,
    text_of,
    whole_of,
)
from workorders.actions.masterdata import unit_of
from workorders.models import UnitConversion, UnitOfMeasure


@command
def import_units(*, actor: Actor, rows: list[Row], command_id: UUID) -> Results:
    """Create or update units by code; with `base`, one of the unit is numerator/denominator of it.

    Decimals and conversions of a known unit stay as they are: quantities may have been recorded with them. Another
    conversion than the known one is rejected.
    """

    def apply(row: Row) -> Result:
        no_others(row, "code", "name", "decimals", "base", "numerator", "denominator")
        code = text_of(row, "code", limit=20)
        known = UnitOfMeasure.objects.filter(code=code).first()
        outcome = UNCHANGED if known else CREATED
        if known is None:
            decimals = whole_of(row, "decimals", 6)
            if decimals > 6:
                raise Refused("invalid", field="decimals", why=_("at most six decimal places are kept"))
            if not code:
                raise Refused("invalid", field="unit", why=_("a unit of 1 to 20 characters is needed"))
            known = UnitOfMeasure.objects.create(
                code=code, name=text_of(row, "name", code, limit=60), decimals=decimals
            )
        elif row.get("name") and known.name in ("", known.code) and known.name != row["name"]:
            known.name, outcome = text_of(row, "name", code, limit=60), UPDATED
            known.save(update_fields=["name"])
        if row.get("base") and row["base"] != code:
            made = _convert(known, unit_of(row["base"]), _part(row, "numerator"), _part(row, "denominator"))
            outcome = UPDATED if made and outcome == UNCHANGED else outcome
        return Result(0, outcome, extra={"code": code})

    return each_row(rows, apply)


def _part(row: Row, field: str) -> int:
    """One side of an exact fraction, as large as its column takes."""
    value = row.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise Refused("invalid", field=field, why=_("a whole number greater than zero is needed"))
    return value


def _convert(unit: UnitOfMeasure, base: UnitOfMeasure, numerator: int, denominator: int) -> bool:
    """Make the conversion if it is new. Raises `invalid` when another one is known."""
    known = UnitConversion.objects.filter(item=None, from_unit=unit, to_unit=base).first()
    if known is not None:
        if known.numerator * denominator != known.denominator * numerator:
            raise Refused(
                "invalid", field="base", why=_("another conversion to {unit} is known").format(unit=base.code)
            )
        return False
    UnitConversion.objects.create(from_unit=unit, to_unit=base, numerator=numerator, denominator=denominator)
    return True
