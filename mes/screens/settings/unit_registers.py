"""The registers of units and of the conversions between them."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mes.screens.desk.acts import Field
from mes.screens.settings.frame import Cell, choices
from mes.screens.settings.registers import Register
from workorders.actions import units
from workorders.models import Site, UnitConversion, UnitOfMeasure

UNITS = Register(
    path="/settings/units/",
    title=_("Units"),
    lede=_("What quantities are counted in. Units are the same at every site."),
    add=_("Add a unit"),
    saved=_("The unit is saved."),
    empty=_("A unit is also made by the first item that names it."),
    icon="ruler",
    right="save_unit",
    columns=(_("Code"), _("Name"), _("Decimal places")),
    number_columns=frozenset({2}),
    rows=lambda _site, search: UnitOfMeasure.objects.filter(
        Q(code__icontains=search) | Q(name__icontains=search)
    ).order_by("code"),
    cells=lambda row: [Cell(row.code, "id"), Cell(row.name), Cell(str(row.decimals), "number")],
    fields=lambda _site, row: (
        *(
            ()
            if row
            else (Field("code", _("Code"), required=True, hint=_("As it stands behind quantities: kg, m, pc.")),)
        ),
        Field("name", _("Name")),
        Field("decimals", _("Decimal places"), "number", value="3", hint=_("0 means whole pieces, 6 is the most.")),
    ),
    values=lambda row: {"name": row.name, "decimals": str(row.decimals)},
    keep=units.save_unit,
)


def _fields(_site: Site, _row: UnitConversion | None) -> tuple[Field, ...]:
    known = choices(UnitOfMeasure.objects.order_by("code").values_list("code", "name"))
    return (
        Field("from_unit", _("One"), "choice", choices=known, required=True, hint=_("The unit that is converted.")),
        Field("numerator", _("is so many"), "number", required=True, hint=_("A whole number.")),
        Field("denominator", _("divided by"), "number", value="1", required=True, hint=_("A whole number, mostly 1.")),
        Field("to_unit", _("of"), "choice", choices=known, required=True),
        Field("item", _("Only for item"), hint=_("Its code. Left empty, it holds for every item.")),
    )


CONVERSIONS = Register(
    path="/settings/conversions/",
    title=_("Conversions"),
    lede=_("Exact ratios between two units, for all items or for one. Nothing is rounded."),
    add=_("Add a conversion"),
    saved=_("The conversion is saved."),
    empty=_("With 1 box = 12 pc, a bill of materials may say boxes where the stock is counted in pieces."),
    icon="replace",
    right="add_conversion",
    columns=(_("One"), _("is"), _("of"), _("Only for item")),
    number_columns=frozenset({1}),
    rows=lambda site, search: (
        UnitConversion.objects.filter(Q(item__isnull=True) | Q(item__site=site))
        .filter(
            Q(from_unit__code__icontains=search) | Q(to_unit__code__icontains=search) | Q(item__code__icontains=search)
        )
        .select_related("item", "from_unit", "to_unit")
        .order_by("from_unit__code", "to_unit__code", "id")
    ),
    cells=lambda row: [
        Cell(row.from_unit.code, "id"),
        Cell(str(row.numerator) if row.denominator == 1 else f"{row.numerator} / {row.denominator}", "number"),
        Cell(row.to_unit.code, "id"),
        Cell(row.item.code if row.item else "–"),
    ],
    fields=_fields,
    values=lambda _row: {},
    keep=units.add_conversion,
    remove=units.remove_conversion,
    can_change=False,
)
