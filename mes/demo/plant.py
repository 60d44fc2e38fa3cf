"""Laying out the demo plant: places, calendar, people and master data. Running it again changes nothing."""

from datetime import time
from uuid import uuid4

from mes.accounts.badges import hashed_pin
from mes.accounts.models import Badge, User
from mes.demo import catalog
from mes.kernel.actors import Actor, system
from quality.actions.plans import import_inspection_plans
from workorders.actions import masterdata
from workorders.models import (
    Area,
    Item,
    Reason,
    Shift,
    ShiftCalendar,
    Site,
    StorageLocation,
    UnitOfMeasure,
    WorkCenter,
)


def lay_out() -> Site:
    """The demo site with everything that stands still. Safe to call again."""
    code, name, zone = catalog.SITE
    site, _created = Site.objects.get_or_create(code=code, defaults={"name": name, "time_zone": zone})
    _places(site)
    _people(site)
    _master_data(system(site.pk, "demo"))
    return site


def _places(site: Site) -> None:
    calendar, _created = ShiftCalendar.objects.get_or_create(site=site, code="3-SHIFT")
    for weekday in range(7):
        for name, hour in catalog.SHIFTS:
            Shift.objects.get_or_create(
                calendar=calendar, weekday=weekday, starts=time(hour), defaults={"name": name, "minutes": 480}
            )
    store, _created = StorageLocation.objects.get_or_create(
        site=site, code="STORE", defaults={"name": "Raw material store", "is_default": True}
    )
    for unit, decimals in (("pc", 0), ("m", 3), ("kg", 3)):
        UnitOfMeasure.objects.get_or_create(code=unit, defaults={"name": unit, "decimals": decimals})
    for place, (area_code, area_name, centers) in enumerate(catalog.AREAS, 1):
        area, _created = Area.objects.get_or_create(
            site=site, code=area_code, defaults={"name": area_name, "sequence": place}
        )
        finished = None
        if area_code == "ASSEMBLY":
            finished, _created = StorageLocation.objects.get_or_create(
                site=site, code="FG", defaults={"name": "Finished goods"}
            )
        for sequence, (code, name) in enumerate(centers, 1):
            WorkCenter.objects.get_or_create(
                site=site,
                code=code,
                defaults={
                    "name": name,
                    "area": area,
                    "sequence": sequence,
                    "calendar": calendar,
                    "count_source": WorkCenter.MACHINE if code in catalog.MACHINES else WorkCenter.OPERATOR,
                    "location": finished if code == "PACK-1" else store,
                },
            )
    for place, (kind, code, text) in enumerate(catalog.REASONS):
        Reason.objects.get_or_create(site=site, kind=kind, code=code, defaults={"text": text, "sequence": place})


def _people(site: Site) -> None:
    rows = [
        (username, name, role, badge, catalog.OFFICE_PIN, catalog.OFFICE_PASSWORD)
        for username, name, role, badge in catalog.OFFICE
    ] + [(username, name, role, badge, pin, None) for username, name, role, badge, pin, _centers in catalog.FLOOR]
    for username, name, role, badge, pin, password in rows:
        if User.objects.filter(username=username).exists():
            continue
        user = User.objects.create_user(
            username, password, name=name, role=role, site_id=site.pk, pin=hashed_pin(pin), is_demo=True
        )
        Badge.objects.create(user=user, code=badge)


def _master_data(actor: Actor) -> None:
    if Item.objects.filter(site_id=actor.site_id, code="PA-50").exists():
        return
    items = [
        {"code": code, "name": name, "unit": unit, "tracking": tracking} for code, name, unit, tracking in catalog.ITEMS
    ]
    boms = [
        {
            "item": item,
            "version": "1",
            "lines": [
                {"item": component, "quantity_per": per, "operation": operation} for component, per, operation in lines
            ],
        }
        for item, lines in catalog.BOMS.items()
    ]
    routings = [
        {
            "item": item,
            "version": version,
            "operations": [
                {
                    "sequence": sequence,
                    "name": name,
                    "work_center": center.format(**places),
                    "setup_minutes": setup,
                    "run_minutes_per_unit": run,
                    "instruction": catalog.INSTRUCTIONS.get(name, ""),
                }
                for sequence, name, center, setup, run in steps
            ],
        }
        for item, version, steps, places in catalog.ROUTINGS
    ]
    plans: dict[tuple[str, int], list[dict[str, object]]] = {}
    for item, operation, code, name, unit, lower, nominal, upper, decimals in catalog.CHECKS:
        plans.setdefault((item, operation), []).append(
            {
                "code": code,
                "name": name,
                "unit": unit,
                "lower": lower,
                "nominal": nominal,
                "upper": upper,
                "decimals": decimals,
            }
        )
    masterdata.import_items(actor=actor, rows=items, command_id=uuid4())
    masterdata.import_boms(actor=actor, rows=boms, command_id=uuid4())
    masterdata.import_routings(actor=actor, rows=routings, command_id=uuid4())
    import_inspection_plans(
        actor=actor,
        command_id=uuid4(),
        rows=[
            {"item": item, "operation": operation, "characteristics": rows} for (item, operation), rows in plans.items()
        ],
    )
