"""A site with a connection to the scripted ERP, and short ways to make an order, finish it and let the engine work."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from erp_sync import credentials, outbound
from erp_sync.actions.connections import connect_erp
from erp_sync.models import ErpConnection, ExternalRef, OutboundMessage
from mes.kernel import delivery
from tests.builders import Doer, Plant, plant
from workorders.models import WorkOrder


@dataclass
class Works:
    plant: Plant
    connection: ErpConnection

    def erp_order(self, **fields: Any) -> WorkOrder:
        """A released order that came from the ERP."""
        order = self.plant.order(**fields)
        ExternalRef.objects.create(
            connection=self.connection,
            entity="order",
            key=str(order.pk),
            local_id=order.pk,
            code=order.number,
            modified_at=datetime.now(UTC),
            digest="0" * 64,
        )
        return order

    def finish(self, order: WorkOrder, good: int = 10, scrap: int = 0, actor: Any = None) -> uuid.UUID:
        """Make the order with one operation; the command that finished it."""
        operation = self.plant.operation(order)
        doer = Doer(actor or self.plant.person())
        operation.refresh_from_db()
        if operation.state != "SUSPENDED":
            doer.start(operation)
        return doer.complete(operation, good=good, scrap=scrap, reason="CRACK" if scrap else None)

    def deliver(self) -> None:
        delivery.drain()

    def tell(self) -> int:
        return outbound.drain()

    def work(self) -> None:
        self.deliver()
        self.tell()

    def messages(self, order: WorkOrder) -> list[OutboundMessage]:
        return list(OutboundMessage.objects.filter(partition=f"order:{order.pk}").order_by("pk"))

    def message(self, order: WorkOrder) -> OutboundMessage:
        (message,) = self.messages(order)
        return message

    def hurry(self) -> None:
        """Let every pause be over: messages, breaker, leases."""
        past = datetime.now(UTC) - timedelta(minutes=1)
        OutboundMessage.objects.filter(state="PENDING").update(not_before=past)
        OutboundMessage.objects.filter(lease_token__isnull=False).update(leased_until=past)
        ErpConnection.objects.filter(pk=self.connection.pk).update(resume_at=None)

    def state(self, order: WorkOrder) -> str:
        order.refresh_from_db()
        return order.state


def works(adapter: str = "scripted", **settings: Any) -> Works:
    site = plant()
    secret = settings.pop("password", "s3cret-password")
    connection = connect_erp(
        actor=site.system,
        name=f"ERP {site.prefix}",
        adapter=adapter,
        settings=settings,
        sealed=credentials.seal({"password": secret}).decode() if secret else "",
        command_id=uuid.uuid4(),
    )
    return Works(site, connection)
