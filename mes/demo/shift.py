"""The shift that works the demo plant while somebody looks: a few acts every couple of seconds, only on demo orders."""

import logging
import random
import time
from uuid import uuid4

from django.db import OperationalError, close_old_connections
from django.utils import timezone

from mes.demo.story import Plan, receive
from mes.demo.work import Crew
from mes.execution.release import release_order
from mes.kernel.actors import system
from mes.kernel.errors import Refused
from traceability.actions.lots import receive_lot
from workorders import states
from workorders.models import Operation, Site, WorkCenter, WorkOrder

log = logging.getLogger(__name__)

#: Seconds between two rounds, and how many operations get pieces in one.
PACE = 2.5
BUSY = 3
#: How many released orders the plant keeps before it.
BACKLOG = 14


class Shift:
    """One round after the other. A refusal is what it is for people: an answer."""

    def __init__(self, site: Site, seed: int | None = None) -> None:
        self.site = site
        self.random = random.Random(seed)  # noqa: S311 - a believable plant, not a secret
        self.crew = Crew(site, seed or 0)
        self.actor = system(site.pk, "demo")

    def run(self, rounds: int | None = None) -> None:
        """Work until stopped, or for ROUNDS."""
        done = 0
        while rounds is None or done < rounds:
            try:
                self.round()
            except Refused as refusal:
                log.info("refused: %s", refusal)
            except OperationalError as error:
                log.warning("The database does not answer: %s", error)
            done += 1
            if rounds is None:
                close_old_connections()
                time.sleep(PACE)

    def round(self) -> None:
        """Pieces on a few running operations, the next jobs where a place is free, new orders now and then."""
        running = list(self._operations(states.RUNNING))
        self.random.shuffle(running)
        for operation in running[:BUSY]:
            self._work(operation)
        self._fill_free_places({operation.work_center_id for operation in running})
        if self.random.random() < 0.1:
            self._keep_backlog()

    def _operations(self, *found: str) -> list[Operation]:
        rows = Operation.objects.filter(
            order__site=self.site, order__source="demo", order__state__in=["RELEASED", "RUNNING"], state__in=found
        )
        return list(
            rows.select_related("work_center", "order").order_by("order__manual_rank", "order__need_date", "id")
        )

    def _work(self, operation: Operation) -> None:
        if operation.work_center.count_source == WorkCenter.MACHINE:
            if operation.open_quantity == 0:
                self.crew.finish(operation)
            return  # the machine counts, and nobody beside it
        if operation.open_quantity <= 3:
            self.crew.finish(operation)
            return
        if self.random.random() < 0.02:
            self.crew.pause(operation, self.random.choice(["TOOL", "FAULT", "BREAK"]))
            return
        self.crew.report(operation, self.random.randint(1, 3))

    def _fill_free_places(self, busy: set[int]) -> None:
        started = 0
        for operation in self._operations(states.SUSPENDED, states.READY):
            if operation.work_center_id in busy or started >= 2:
                continue
            if operation.state == states.SUSPENDED or self.crew.material_is_there(operation):
                busy.add(operation.work_center_id)
                started += self.crew.start(operation)

    def _keep_backlog(self) -> None:
        """New orders arrive, with their raw material, when little is left to do."""
        waiting = WorkOrder.objects.filter(site=self.site, source="demo", state="RELEASED").count()
        if waiting >= BACKLOG:
            return
        numbers = WorkOrder.objects.filter(site=self.site, source="demo", number__regex=r"^\d{4,6}$")
        number = max((int(found) for found in numbers.values_list("number", flat=True)), default=5560) + 1
        item = self.random.choice(
            ["IMP-32", "IMP-40", "IMP-50", "HSG-40", "HSG-50", "SH-22", "SH-28", "CP-40", "PA-40"]
        )
        plan = Plan(str(number), item, self.random.choice([20, 30, 40, 60]), self.random.uniform(20, 90))
        order = receive(plan, number % 97, self.actor, timezone.now())
        release_order(actor=self.actor, order_id=order.pk, command_id=uuid4())
        self._deliver_material(plan)

    def _deliver_material(self, plan: Plan) -> None:
        from mes.demo.catalog import BOMS, ITEMS

        made = set(BOMS)
        tracked = {code for code, _name, _unit, tracking in ITEMS if tracking == "LOT"}
        rows = [
            {
                "item": component,
                "number": f"{component.split('-')[0][:2]}{plan.number}",
                "quantity": str(round(float(per) * plan.quantity, 3)).removesuffix(".0"),
                "location": "STORE",
            }
            for component, per, _operation in BOMS[plan.item]
            if component in tracked - made
        ]
        receive_lot(actor=self.actor, rows=rows, command_id=uuid4())
