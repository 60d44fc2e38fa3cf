"""The events this app emits, on the chain of the order they are about. `docs/events.md` describes each."""

from typing import Any

from mes.kernel.events import emit

ERP_POSTED = "erp.posted"
ERP_PARKED = "erp.parked"


def erp_event(name: str, *, site_id: int, order_id: int, order: str, connection_id: int, **payload: Any) -> None:
    """Told on the order's chain; its page, the floor and the connection's pages hear of it."""
    emit(
        name,
        subject=f"order:{order_id}",
        label=f"order:{order}",
        payload={"order": order, **payload},
        topics=[f"order:{order_id}", f"orders:{site_id}", f"floor:{site_id}", f"erp:{connection_id}"],
    )
