"""Units and their exact conversions: a list with a result per row, or one by one. Units are the same at every site."""

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
from workorders.actions.masterdata import item_of, unit_of
from workorders.actions.recording import code_of, drop, keep, name_of, require_free
from workorders.models import Item, UnitConversion, UnitOfMeasure


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


@command
def save_unit(*, actor: Actor, row: Row, pk: int | None = None, command_id: UUID) -> UnitOfMeasure:
    """A unit by its code, or another name for unit PK; its decimals only while no item is counted in it.

    Raises `invalid`, `code_taken`, `not_found`, `still_in_use`.
    """
    unit = UnitOfMeasure.objects.filter(pk=pk).first() if pk else UnitOfMeasure()
    if unit is None:
        raise Refused("not_found", what=_("Unit"), number=pk)
    code = unit.code if pk else code_of(row, limit=20)
    require_free(UnitOfMeasure.objects.filter(code=code).exclude(pk=pk or 0).exists(), _("Unit"), code)
    decimals = whole_of(row, "decimals", unit.decimals) if row.get("decimals") not in (None, "") else unit.decimals
    if decimals > 6:
        raise Refused("invalid", field="decimals", why=_("at most six decimal places are kept"))
    if pk and decimals != unit.decimals and Item.objects.filter(unit=unit).exists():
        where = _("items are counted in it, and its decimals cannot change")
        raise Refused("still_in_use", what=_("Unit"), code=code, where=where)
    values = {"code": code, "name": text_of(row, "name", code, limit=60), "decimals": decimals}
    keep(unit, "unit_of_measure", values, label=code, site_id=actor.site_id)
    return unit


@command
def add_conversion(*, actor: Actor, row: Row, command_id: UUID) -> UnitConversion:
    """ONE of `from_unit` is numerator/denominator of `to_unit`, for all items or for `item`.

    Raises `invalid` for unknown units or items, `code_taken` when the two are converted already, in either direction.
    """
    item = item_of(actor.site_id, name_of(row, "item")) if row.get("item") else None
    units = [_known_unit(row, field) for field in ("from_unit", "to_unit")]
    if units[0].pk == units[1].pk:
        raise Refused("invalid", field="to_unit", why=_("two different units are needed"))
    known = UnitConversion.objects.filter(item=item, from_unit__in=units, to_unit__in=units)
    require_free(known.exists(), _("The conversion"), " ⇄ ".join(unit.code for unit in units))
    parts = {field: _part({field: whole_of(row, field, 0)}, field) for field in ("numerator", "denominator")}
    conversion = UnitConversion()
    values = {"item": item, "from_unit": units[0], "to_unit": units[1], **parts}
    keep(conversion, "conversion", values, label=_label(values), site_id=actor.site_id)
    return conversion


@command
def remove_conversion(*, actor: Actor, pk: int, command_id: UUID) -> int:
    """The units are converted no more. Quantities that were recorded stay as they are. Raises `not_found`."""
    found = UnitConversion.objects.select_related("item", "from_unit", "to_unit").filter(pk=pk).first()
    if found is None or (found.item is not None and found.item.site_id != actor.site_id):
        raise Refused("not_found", what=_("The conversion"), number=pk)
    fields = ("item", "from_unit", "to_unit", "numerator", "denominator")
    values = {name: getattr(found, name) for name in fields}
    drop(found, "conversion", values, label=_label(values), site_id=actor.site_id)
    return pk


def _label(values: Row) -> str:
    return f"{values['from_unit'].code} → {values['to_unit'].code}"


def _known_unit(row: Row, field: str) -> UnitOfMeasure:
    code = name_of(row, field)
    unit = UnitOfMeasure.objects.filter(code=code).first()
    if unit is None:
        raise Refused("invalid", field=field, why=_("{code} is not known").format(code=code[:20] or "–"))
    return unit
