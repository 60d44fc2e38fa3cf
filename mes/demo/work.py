"""How demo people work: start, draw material, check, report, complete, all through the floor acts."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from django.db.models import Sum
from django.utils import timezone

from mes.accounts.models import User
from mes.demo import catalog
from mes.execution.output import complete_operation, consume_material, report_output
from mes.execution.runs import start_operation, suspend_operation
from mes.kernel.actors import PERSON, Actor
from mes.kernel.errors import Refused
from quality.actions.inspections import record_check
from quality.models import Inspection
from traceability.models import LotBalance
from traceability.queries import needs_of
from workorders import states
from workorders.models import Operation, Site

SCRAP_REASONS = [code for kind, code, _text in catalog.REASONS if kind == "SCRAP"]


class Crew:
    """The demo plant's operators, each at their work centers."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.random = site, random.Random(seed)  # noqa: S311 - a believable plant, not a secret
        people = {user.username: user for user in User.objects.filter(site_id=site.pk, is_demo=True)}
        self.tenders: dict[str, Actor] = {}
        for username, _name, role, _badge, _pin, centers in catalog.FLOOR:
            if username in people:
                user = people[username]
                actor = Actor(PERSON, user.pk, user.name, role, site.pk)
                self.tenders |= dict.fromkeys(centers, actor)
        self.anybody = next(iter(self.tenders.values()))

    def at(self, operation: Operation) -> Actor:
        return self.tenders.get(operation.work_center.code, self.anybody)

    def start(self, operation: Operation, at: datetime | None = None) -> bool:
        """Start and draw what the operation needs, from the oldest usable lots. False where it was refused."""
        actor = self.at(operation)
        try:
            start_operation(actor=actor, operation_id=operation.pk, at=at, command_id=uuid4())
            self.draw(operation, actor, at)
        except Refused:
            return False
        return True

    def draw(self, operation: Operation, actor: Actor, at: datetime | None) -> None:
        for need in needs_of(operation.pk):
            left = need.to_go
            if need.tracking == "NONE":
                if left > 0:
                    consume_material(
                        actor=actor, operation_id=operation.pk, item=need.item, quantity=left, at=at, command_id=uuid4()
                    )
                continue
            for lot_id, location, there in self._stock(need.item_id):
                if left <= 0:
                    break
                amount = min(left, there)
                consume_material(
                    actor=actor,
                    operation_id=operation.pk,
                    lot=f"~{lot_id}",
                    quantity=amount,
                    location=location,
                    at=at,
                    command_id=uuid4(),
                )
                left -= amount

    def _stock(self, item_id: int) -> Iterator[tuple[int, str, Decimal]]:
        rows = (
            LotBalance.objects.filter(lot__item_id=item_id, lot__state="AVAILABLE", quantity__gt=0)
            .exclude(lot__holds__released_at__isnull=True, lot__holds__isnull=False)
            .order_by("lot__created_at", "lot_id")
            .values_list("lot_id", "location__code", "quantity")
        )
        yield from rows

    def material_is_there(self, operation: Operation) -> bool:
        for need in needs_of(operation.pk):
            if need.tracking == "NONE" or need.to_go <= 0:
                continue
            stock = LotBalance.objects.filter(lot__item_id=need.item_id, lot__state="AVAILABLE").aggregate(
                total=Sum("quantity")
            )
            if (stock["total"] or 0) < need.to_go:
                return False
        return True

    def report(self, operation: Operation, pieces: int, at: datetime | None = None) -> None:
        """Some good pieces, now and then one scrapped."""
        operation.refresh_from_db()
        pieces = min(pieces, int(operation.open_quantity))
        if pieces <= 0:
            return
        scrap = 1 if self.random.random() < 0.06 else 0
        report_output(
            actor=self.at(operation),
            operation_id=operation.pk,
            good=pieces - scrap,
            scrap=scrap,
            reason=self.random.choice(SCRAP_REASONS) if scrap else None,
            at=at,
            command_id=uuid4(),
        )

    def finish(self, operation: Operation, at: datetime | None = None) -> bool:
        """Measure what is due and complete with what is open. False where it was refused."""
        actor = self.at(operation)
        try:
            for check in Inspection.objects.filter(operation=operation).exclude(state="PASSED"):
                record_check(
                    actor=actor,
                    operation_id=operation.pk,
                    code=check.code,
                    value=self._value(check),
                    at=at,
                    command_id=uuid4(),
                )
            operation.refresh_from_db()
            complete_operation(
                actor=actor,
                operation_id=operation.pk,
                good=operation.open_quantity,
                at=at,
                command_id=uuid4(),
            )
        except Refused:
            return False
        return True

    def _value(self, check: Inspection) -> Decimal:
        """A value near the nominal, inside the limits."""
        upper = check.upper if check.upper is not None else Decimal(1)
        lower = check.lower if check.lower is not None else Decimal(0)
        share = Decimal(str(round(self.random.uniform(0.25, 0.75), 3)))
        return (lower + (upper - lower) * share).quantize(Decimal(1).scaleb(-check.decimals))

    def pause(self, operation: Operation, reason: str) -> None:
        suspend_operation(actor=self.at(operation), operation_id=operation.pk, reason=reason, command_id=uuid4())

    def make(self, operations: list[Operation], begin: datetime, share: float = 1.0) -> datetime:
        """Work through OPERATIONS in the past, from BEGIN on, at roughly standard times; the last one up to SHARE."""
        clock = begin
        for place, operation in enumerate(operations):
            operation.refresh_from_db()
            if operation.state != states.READY or not self.material_is_there(operation):
                return clock
            if not self.start(operation, clock):
                return clock
            last = place == len(operations) - 1
            minutes = float(operation.run_minutes_per_unit) * float(operation.open_quantity)
            length = timedelta(minutes=(float(operation.setup_minutes) + minutes) * self.random.uniform(0.85, 1.25))
            end = min(clock + length, timezone.now())
            operation.refresh_from_db()
            pieces = int(float(operation.open_quantity) * (share if last else 1.0))
            half = max(1, pieces // 2)
            if pieces > 1:
                self.report(operation, half, clock + (end - clock) / 2)
            if last and share < 1:
                self.report(operation, pieces - half, end)
                return end
            if not self.finish(operation, end):
                return end
            clock = min(end + timedelta(minutes=self.random.randint(2, 12)), timezone.now())
        return clock
