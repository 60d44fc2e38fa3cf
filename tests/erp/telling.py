"""A scripted ERP that tells records: a small pump plant and one order of it, each telling newer than the last."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from erp_sync import inbound
from erp_sync.actions.storing import make_due
from erp_sync.adapters.errors import Rejected
from erp_sync.messages import Entity, OrderState, RawRecord
from erp_sync.models import InboundRecord
from erp_sync.records import (
    ComponentLine,
    ItemRecord,
    OperationLine,
    OrderRecord,
    Record,
    Tracking,
    UnitRecord,
    WorkCenterRecord,
)
from tests.erp.engine import Works
from tests.erp.scripted import ScriptedAdapter
from workorders.models import WorkOrder

T0 = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PUMP = ItemRecord("1", "FG", "Pump", "u", Tracking.LOT, producible=True, stock=(), active=True)
SEAL = ItemRecord("2", "SEAL", "Seal", "u", Tracking.NONE, producible=False, stock=(), active=True)
RESIN = ItemRecord("3", "RESIN", "Resin", "kg", Tracking.LOT, producible=False, stock=(), active=True)
CELL = WorkCenterRecord("5", "CELL", "Cell", "Assembly", "Plant", is_group=False, active=True)
ORDER = OrderRecord(
    key="9",
    number="MO-9",
    reference="SO-1",
    state=OrderState.RELEASED,
    item="FG",
    quantity=Decimal(10),
    unit="u",
    start_date=None,
    need_date=date(2026, 12, 1),
    bom="A",
    routing="R",
    operations=(OperationLine(10, "Assemble", "CELL"),),
    components=(ComponentLine("SEAL", Decimal(20), "u"), ComponentLine("RESIN", Decimal("2.5"), "kg")),
    modified_at=T0,
)


class Erp:
    """What the scripted ERP holds: told with a time of change, so that later tellings are newer."""

    def __init__(self, scripted: type[ScriptedAdapter]) -> None:
        self.scripted = scripted
        self.minutes = 0

    def says(self, entity: Entity, record: Record | Rejected, key: str = "") -> RawRecord:
        self.minutes += 1
        words = str(uuid.uuid4())
        self.scripted.words[entity, words] = record
        number = key or getattr(record, "key", "")
        raw = RawRecord(entity, number, T0 + timedelta(minutes=self.minutes), {"says": words})
        page = self.scripted.pages.setdefault(entity, [])
        page[:] = [each for each in page if each.key != raw.key] + [raw]
        return raw

    def master_data(self) -> None:
        for code, category, factor in (("u", "Units", Fraction(1)), ("kg", "Weight", Fraction(1))):
            self.says(Entity.UNIT, UnitRecord(code, code, code, category, factor, 0 if code == "u" else 3, active=True))
        self.says(Entity.UNIT, UnitRecord("g", "g", "Gram", "Weight", Fraction(1, 1000), 3, active=True))
        for item in (PUMP, SEAL, RESIN):
            self.says(Entity.ITEM, item)
        self.says(Entity.WORK_CENTER, CELL)


def pull(site: Works) -> None:
    make_due(site.connection)
    inbound.run_due()


def parked(site: Works) -> dict[str, str]:
    rows = InboundRecord.objects.filter(connection=site.connection, state="PARKED")
    return {f"{row.entity} {row.key}": row.reason for row in rows}


def order_of(site: Works) -> WorkOrder:
    return WorkOrder.objects.get(site=site.plant.site, number="MO-9")
