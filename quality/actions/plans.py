"""Inspection plans in: by list, with a result per row, like other master data."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from quality.models import Characteristic, InspectionPlan
from workorders.actions.imports import (
    CREATED,
    UNCHANGED,
    UPDATED,
    Result,
    Results,
    Row,
    decimal_of,
    each_row,
    list_of,
    no_others,
    number_of,
    text_of,
    whole_of,
)
from workorders.actions.masterdata import item_of

FIELDS = ("code", "name", "unit", "nominal", "lower", "upper", "decimals", "mandatory", "gauge_required")


def _characteristic(row: Row, place: int) -> dict[str, Any]:
    no_others(row, *FIELDS)
    lower, upper = decimal_of(row, "lower"), decimal_of(row, "upper")
    if lower is not None and upper is not None and lower > upper:
        raise Refused("invalid", field="lower", why=_("the lower limit lies above the upper one"))
    code = number_of(row, "code")
    decimals = whole_of(row, "decimals", 3)
    if decimals > 6:
        raise Refused("invalid", field="decimals", why=_("at most six decimal places are kept"))
    return {
        "code": code[:40],
        "name": text_of(row, "name", code, limit=80),
        "unit": text_of(row, "unit", limit=20),
        "nominal": decimal_of(row, "nominal"),
        "lower": lower,
        "upper": upper,
        "decimals": decimals,
        "is_mandatory": row.get("mandatory", True) is not False,
        "gauge_required": row.get("gauge_required") is True,
        "sequence": place,
    }


@command
def import_inspection_plans(*, actor: Actor, rows: list[Row], command_id: UUID) -> Results:
    """Create or replace the plan of an item's operation. Released orders keep the limits they were released with."""

    def apply(row: Row) -> Result:
        no_others(row, "item", "operation", "version", "characteristics")
        item = item_of(actor.site_id, row.get("item"))
        operation = whole_of(row, "operation")
        version = text_of(row, "version", "1", limit=30)
        wanted = [_characteristic(entry, place) for place, entry in enumerate(list_of(row, "characteristics"), 1)]
        if len({entry["code"] for entry in wanted}) != len(wanted):
            raise Refused("invalid", field="characteristics", why=_("a code stands twice"))
        plan = InspectionPlan.objects.filter(item=item, operation=operation, version=version).first()
        if plan is not None and plan.is_active:
            known = (
                [{name: getattr(one, name) for name in wanted[0]} for one in plan.characteristics.order_by("sequence")]
                if wanted
                else []
            )
            if known == wanted:
                return Result(0, UNCHANGED, extra={"item": item.code, "operation": operation})
        outcome = CREATED if plan is None else UPDATED
        InspectionPlan.objects.filter(item=item, operation=operation).update(is_active=False)
        if plan is not None and Characteristic.objects.filter(plan=plan, inspections__isnull=False).exists():
            raise Refused("invalid", field="version", why=_("this version is in use; send the change as a new version"))
        if plan is None:
            plan = InspectionPlan.objects.create(site_id=actor.site_id, item=item, operation=operation, version=version)
        else:
            plan.characteristics.all().delete()
            InspectionPlan.objects.filter(pk=plan.pk).update(is_active=True)
        Characteristic.objects.bulk_create(Characteristic(plan=plan, **entry) for entry in wanted)
        return Result(0, outcome, extra={"item": item.code, "operation": operation})

    return each_row(rows, apply)
