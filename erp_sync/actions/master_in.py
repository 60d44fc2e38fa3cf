"""Units, items, work centers, BOMs and routings of the ERP, applied through the imports of `workorders`."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from django.utils.translation import gettext as _

from erp_sync import mapping
from erp_sync.actions.handling import Applied, Incoming, code_taken, ignored, of_results, parked
from erp_sync.adapters.errors import Rejected
from erp_sync.messages import Entity
from erp_sync.models import ErpConnection, ExternalRef
from erp_sync.records import UnitRecord
from mes.kernel.actors import Actor
from workorders.actions import masterdata
from workorders.actions.imports import Result, Row
from workorders.actions.units import import_units
from workorders.models import Item, UnitOfMeasure, WorkCenter

Handler = Callable[[Actor, ErpConnection, Sequence[Incoming], UUID], list[Applied]]
Rows = list[Row] | Applied


def apply_units(
    actor: Actor, connection: ErpConnection, incoming: Sequence[Incoming], command_id: UUID
) -> list[Applied]:
    """A category's units convert through its reference unit; the reference may have come with an earlier page."""
    bases = {
        ref.facts["category"]: ref.code
        for ref in ExternalRef.objects.filter(connection=connection, entity=Entity.UNIT)
        if ref.facts.get("reference")
    }
    bases |= {one.says.category: one.says.code for one in incoming if one.says.factor == Fraction(1)}
    rows = mapping.unit_rows([one.says for one in incoming], bases)
    results = import_units(actor=actor, rows=rows, command_id=uuid5(command_id, "units")).rows
    ids = dict(UnitOfMeasure.objects.filter(code__in=[row["code"] for row in rows]).values_list("code", "pk"))

    def answer(one: Incoming, result: Result) -> Applied:
        says: UnitRecord = one.says
        reference = says.factor == Fraction(1) and bases.get(says.category) == says.code
        return of_results([result], says.code, ids.get(says.code), category=says.category, reference=reference)

    return [answer(one, result) for one, result in zip(incoming, results, strict=True)]


def apply_items(
    actor: Actor, connection: ErpConnection, incoming: Sequence[Incoming], command_id: UUID
) -> list[Applied]:
    plans = [code_taken(connection, one, incoming) or [mapping.item_row(one.says)] for one in incoming]
    groups = _import(masterdata.import_items, actor, plans, uuid5(command_id, "items"))
    ids = dict(
        Item.objects.filter(site_id=actor.site_id, code__in=[one.says.code for one in incoming]).values_list(
            "code", "pk"
        )
    )
    return [
        group if isinstance(group, Applied) else of_results(group, one.says.code, ids.get(one.says.code))
        for one, group in zip(incoming, groups, strict=True)
    ]


def apply_work_centers(
    actor: Actor, connection: ErpConnection, incoming: Sequence[Incoming], command_id: UUID
) -> list[Applied]:
    plans: list[Rows] = []
    for one in incoming:
        if one.says.is_group:
            plans.append(ignored(_("{name} only groups other work centers.").format(name=one.says.name)))
        else:
            plans.append(code_taken(connection, one, incoming) or [mapping.work_center_row(one.says)])
    groups = _import(masterdata.import_work_centers, actor, plans, uuid5(command_id, "work centers"))
    codes = [one.says.code for one in incoming]
    ids = dict(WorkCenter.objects.filter(site_id=actor.site_id, code__in=codes).values_list("code", "pk"))
    return [
        group
        if isinstance(group, Applied)
        else of_results(
            group, one.says.code, ids.get(one.says.code), category=one.says.category, active=one.says.active
        )
        for one, group in zip(incoming, groups, strict=True)
    ]


def apply_boms(
    actor: Actor, connection: ErpConnection, incoming: Sequence[Incoming], command_id: UUID
) -> list[Applied]:
    plans: list[Rows] = []
    for one in incoming:
        if not one.says.active:
            plans.append(ignored(_("{name} is not in use any more.").format(name=one.says.name)))
        else:
            plans.append(_rows_or_parked(mapping.bom_rows, one.says))
    groups = _import(_replacing(masterdata.import_boms), actor, plans, uuid5(command_id, "boms"))
    return _of_groups(incoming, groups)


def apply_routings(
    actor: Actor, connection: ErpConnection, incoming: Sequence[Incoming], command_id: UUID
) -> list[Applied]:
    centers = [
        (ref.code, ref.facts.get("category"))
        for ref in ExternalRef.objects.filter(connection=connection, entity=Entity.WORK_CENTER, local_id__isnull=False)
        if ref.facts.get("active")
    ]
    plans: list[Rows] = []
    for one in incoming:
        if not one.says.active or not one.says.items:
            plans.append(ignored(_("{name} is not in use by any item.").format(name=one.says.name)))
        else:
            plans.append(_rows_or_parked(mapping.routing_rows, one.says, centers))
    groups = _import(_replacing(masterdata.import_routings), actor, plans, uuid5(command_id, "routings"))
    return _of_groups(incoming, groups)


MASTER_HANDLERS: dict[Entity, Handler] = {
    Entity.UNIT: apply_units,
    Entity.ITEM: apply_items,
    Entity.WORK_CENTER: apply_work_centers,
    Entity.BOM: apply_boms,
    Entity.ROUTING: apply_routings,
}


def _replacing(importer: Callable[..., Any]) -> Callable[..., Any]:
    """The ERP leads here, and may change what it calls by the same version; released orders keep their copy."""
    return partial(importer, replace_used=True)


def _rows_or_parked(make: Callable[..., list[Row]], *arguments: Any) -> Rows:
    try:
        return make(*arguments)
    except Rejected as refusal:
        return parked(refusal.text)


def _import(
    importer: Callable[..., Any], actor: Actor, plans: Sequence[Rows], command_id: UUID
) -> list[list[Result] | Applied]:
    """One import for all rows of all records; each record gets the results of its own rows back."""
    rows = [row for plan in plans if not isinstance(plan, Applied) for row in plan]
    results = iter(importer(actor=actor, rows=rows, command_id=command_id).rows if rows else [])
    return [plan if isinstance(plan, Applied) else [next(results) for _row in plan] for plan in plans]


def _of_groups(incoming: Sequence[Incoming], groups: Sequence[list[Result] | Applied]) -> list[Applied]:
    return [
        group if isinstance(group, Applied) else of_results(group, one.says.version)
        for one, group in zip(incoming, groups, strict=True)
    ]
