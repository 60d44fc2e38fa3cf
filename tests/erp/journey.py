"""A site of ours and a real Tryton with the fault proxy between: pull, make on the floor, tell, look there."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from erp_sync import credentials, inbound, outbound
from erp_sync.actions.connections import connect_erp
from erp_sync.actions.storing import make_due
from erp_sync.models import ErpConnection, InboundRecord, OutboundMessage
from mes.kernel import delivery
from tests.builders import Doer, Plant, plant
from tests.erp.peer.api import DATABASE, PeerOrder
from tests.erp.peer.server import MES
from workorders.models import Operation, WorkOrder


@dataclass
class Journey:
    plant: Plant
    connection: ErpConnection
    doer: Doer = field(init=False)

    def __post_init__(self) -> None:
        self.doer = Doer(self.plant.person())

    def pull(self) -> None:
        make_due(self.connection)
        inbound.run_due()

    def tell(self) -> None:
        delivery.drain()
        outbound.drain()

    def hurry(self) -> None:
        """Let every pause be over."""
        past = datetime.now(UTC) - timedelta(minutes=1)
        mine = OutboundMessage.objects.filter(connection=self.connection)
        mine.filter(state="PENDING").update(not_before=past)
        mine.filter(lease_token__isnull=False).update(leased_until=past)
        ErpConnection.objects.filter(pk=self.connection.pk).update(resume_at=None)

    def tell_until_it_is_told(self, order: WorkOrder, most: int = 20) -> OutboundMessage:
        for _ in range(most):
            self.tell()
            message = self.message(order)
            if message.state != "PENDING":
                return message
            self.hurry()
        raise AssertionError(f"not told: {message.error_class} {message.reason}")

    def order(self, peer_order: PeerOrder) -> WorkOrder:
        return WorkOrder.objects.get(site=self.plant.site, number=self.connection.number_prefix + peer_order.number)

    def operation(self, order: WorkOrder, sequence: int) -> Operation:
        return order.operations.exclude(state="CANCELLED").get(sequence=sequence)

    def make(self, order: WorkOrder) -> None:
        """Ten pumps at two work centers from three lots: eight good, two scrapped."""
        assemble, test = self.operation(order, 10), self.operation(order, 20)
        self.doer.start(assemble)
        for lot, quantity in (("H-2026-01", "6"), ("H-2026-02", "4"), ("R-77", "2.5")):
            self.doer.consume(assemble, lot, quantity)
        self.doer.consume(assemble, None, "20", item="RM-SEAL")
        self.doer.complete(assemble, good=9, scrap=1, reason="CRACK")
        self.doer.start(test)
        self.doer.complete(test, good=8, scrap=1, reason="SIZE")
        order.refresh_from_db()
        assert order.state == "DONE"

    def message(self, order: WorkOrder) -> OutboundMessage:
        return OutboundMessage.objects.get(connection=self.connection, partition=f"order:{order.pk}")

    def parked(self, entity: str) -> dict[str, str]:
        rows = InboundRecord.objects.filter(connection=self.connection, entity=entity, state="PARKED")
        return dict(rows.values_list("key", "reason"))

    def state(self, order: WorkOrder) -> str:
        order.refresh_from_db()
        return order.state


def journey(url: str, **settings: Any) -> Journey:
    site = plant()
    connection = connect_erp(
        actor=site.system,
        name=f"Tryton {site.prefix}",
        adapter="tryton",
        settings={"url": url, "database": DATABASE, "user": MES[0], **settings},
        sealed=credentials.seal({"password": MES[1]}).decode(),
        number_prefix=f"{site.prefix[-4:]}-",
        command_id=uuid.uuid4(),
    )
    return Journey(site, connection)


def assert_in_the_erp_once(peer_order: PeerOrder, order: WorkOrder) -> None:
    """What Tryton's own API must show, whatever happened on the way: one whole completion of `Journey.make`."""
    assert peer_order.state == "done"
    assert peer_order.consumed() == {
        ("RM-HOUS", "H-2026-01"): 6.0,
        ("RM-HOUS", "H-2026-02"): 4.0,
        ("RM-SEAL", None): 20.0,
        ("RM-RESIN", "R-77"): 2.5,
    }
    assert peer_order.good() == {("FG-100", order.number): 8.0}
    assert peer_order.scrapped() == {("FG-100", None): 2.0}
    assert len(peer_order.api.lots(order.number)) == 1
    assert peer_order.traced_lots(order.number) == {"H-2026-01", "H-2026-02", "R-77"}
    cycles = peer_order.cycles()
    for operation in order.operations.exclude(state="CANCELLED"):
        (run,) = operation.runs.all()
        ((state, duration),) = cycles[operation.name]
        assert state == "done"
        assert duration is not None
        assert run.ended_at is not None
        assert abs(duration - (run.ended_at - run.started_at)) < timedelta(seconds=1)
