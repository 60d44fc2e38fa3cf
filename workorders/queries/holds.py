"""Open production holds, and which of them cover an operation. Holds on lots are read in `traceability`."""

from dataclasses import dataclass

from workorders.models import Hold
from workorders.queries.workload import OpenOperation


@dataclass(frozen=True, slots=True)
class OpenHolds:
    """The open holds of a site by what they stop."""

    rows: list[Hold]
    items: dict[int, Hold]
    orders: dict[int, Hold]
    operations: dict[int, Hold]
    work_centers: dict[int, Hold]

    def on(self, row: OpenOperation) -> list[Hold]:
        """Every hold that covers an operation: its own, its order's, its item's, its work center's."""
        found = (
            self.operations.get(row.id),
            self.orders.get(row.order_id),
            self.items.get(row.item_id),
            self.work_centers.get(row.work_center_id),
        )
        return [hold for hold in found if hold is not None]

    def on_order(self, order_id: int, item_id: int) -> Hold | None:
        """The hold that stops an order as a whole."""
        return self.orders.get(order_id) or self.items.get(item_id)


def open_holds(site_id: int) -> OpenHolds:
    """All open production holds of a site, oldest first."""
    rows = list(
        Hold.objects.filter(site_id=site_id, released_at__isnull=True)
        .select_related("reason", "item", "order", "work_center", "operation__order")
        .order_by("-placed_at", "-id")
    )
    return OpenHolds(
        rows=rows[::-1],
        items={hold.item_id: hold for hold in rows if hold.item_id},
        orders={hold.order_id: hold for hold in rows if hold.order_id},
        operations={hold.operation_id: hold for hold in rows if hold.operation_id},
        work_centers={hold.work_center_id: hold for hold in rows if hold.work_center_id},
    )


def why_held(hold: Hold) -> str:
    """The reason of a hold, without the name of what is held."""
    parts = [hold.reason.text if hold.reason else "", hold.note]
    return " · ".join(part for part in parts if part) or "–"
