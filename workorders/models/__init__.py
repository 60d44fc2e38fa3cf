"""The tables of this app, by noun. Import them from here."""

from workorders.models.facts import Hold, HoldBase, OperationChange, ProductionReport
from workorders.models.material import BillOfMaterials, BomLine, Item, UnitConversion, UnitOfMeasure
from workorders.models.order import (
    BUCKETS,
    PLACES,
    Operation,
    OperationEdge,
    OperationRun,
    OrderMaterial,
    WorkOrder,
)
from workorders.models.planning import ChangeRequest, OrderCorrection, Resequencing
from workorders.models.plant import (
    Area,
    Holiday,
    Reason,
    Shift,
    ShiftCalendar,
    Site,
    StorageLocation,
    WorkCenter,
    WorkUnit,
)
from workorders.models.routing import Routing, RoutingStep

__all__ = [
    "BUCKETS",
    "PLACES",
    "Area",
    "BillOfMaterials",
    "BomLine",
    "ChangeRequest",
    "Hold",
    "HoldBase",
    "Holiday",
    "Item",
    "Operation",
    "OperationChange",
    "OperationEdge",
    "OperationRun",
    "OrderCorrection",
    "OrderMaterial",
    "ProductionReport",
    "Reason",
    "Resequencing",
    "Routing",
    "RoutingStep",
    "Shift",
    "ShiftCalendar",
    "Site",
    "StorageLocation",
    "UnitConversion",
    "UnitOfMeasure",
    "WorkCenter",
    "WorkOrder",
    "WorkUnit",
]
