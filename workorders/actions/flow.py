"""Pieces moving through one order within one command: every change of a bucket or a state passes here and is written
once.

Works on operations that the caller has locked. Knows nothing of people, lots or checks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO
from workorders import states
from workorders.actions import flow_sql
from workorders.actions.flow_sql import Report
from workorders.models import BUCKETS, Operation, OperationChange, WorkOrder


class Edge(NamedTuple):
    """PRED feeds SUCC; with OVERLAP at each report."""

    pred_id: int
    succ_id: int
    overlap: bool


@dataclass
class _Delta:
    """What one command did to one operation so far."""

    state_from: str
    amounts: dict[str, Decimal] = field(default_factory=dict)
    excess: Decimal = ZERO


class Flow:
    """The operations of one order, locked, with everything this command changes on them. `write()` ends it."""

    def __init__(self, order: WorkOrder, operations: Iterable[Operation], edges: Iterable[Edge], at: datetime) -> None:
        self.order, self.at = order, at
        self.order_from = order.state
        self.operations = {operation.pk: operation for operation in operations}
        for operation in self.operations.values():
            operation.order = order
        self.feeds: dict[int, list[Edge]] = {pk: [] for pk in self.operations}
        self.fed_by: dict[int, list[Edge]] = {pk: [] for pk in self.operations}
        for edge in edges:
            self.feeds[edge.pred_id].append(edge)
            self.fed_by[edge.succ_id].append(edge)
        self.deltas: dict[int, _Delta] = {}
        self.order_fields: set[str] = set()

    # -- reading -------------------------------------------------------------------------------------------------

    def is_final(self, operation: Operation) -> bool:
        return not self.feeds[operation.pk]

    def upstream(self, operation: Operation) -> set[int]:
        """The ids of OPERATION and of every operation before it."""
        seen: set[int] = set()
        todo = [operation.pk]
        while todo:
            pk = todo.pop()
            if pk not in seen:
                seen.add(pk)
                todo += [edge.pred_id for edge in self.fed_by[pk]]
        return seen

    def delivered(self, operation: Operation) -> Decimal:
        return operation.moved + operation.passed

    def _supply(self, operation: Operation) -> Decimal:
        """What all branches before OPERATION have delivered together: the least of them, as each piece needs every
        branch.
        """
        return min((self.delivered(self.operations[edge.pred_id]) for edge in self.fed_by[operation.pk]), default=ZERO)

    def predecessors_settled(self, operation: Operation) -> bool:
        return all(
            self.operations[edge.pred_id].state in states.SETTLED_OPERATIONS for edge in self.fed_by[operation.pk]
        )

    # -- changing ------------------------------------------------------------------------------------------------

    def _delta(self, operation: Operation) -> _Delta:
        return self.deltas.setdefault(operation.pk, _Delta(operation.state))

    def shift(self, operation: Operation, **amounts: Decimal) -> None:
        """Add AMOUNTS to the buckets. Their sum over the places must equal `arrived`: the database checks it."""
        delta = self._delta(operation)
        for bucket, amount in amounts.items():
            setattr(operation, bucket, getattr(operation, bucket) + amount)
            delta.amounts[bucket] = delta.amounts.get(bucket, ZERO) + amount

    def move(self, operation: Operation, command: str) -> None:
        """Change the state by COMMAND, with the times that go with it. Raises `state_forbids`."""
        self._delta(operation)
        states.OPERATION.move(operation, command)
        if operation.state == states.COMPLETED:
            operation.completed_at = self.at
        elif command == "reopen":
            operation.completed_at = None
        elif command == "arrive":
            operation.ready_at = self.at
        elif command == "start" and operation.started_at is None:
            operation.started_at = self.at

    def move_order(self, command: str) -> None:
        states.ORDER.move(self.order, command)
        self.order_fields.add("state")
        stamp = {"release": "released_at", "finish": "finished_at", "close": "closed_at"}.get(command)
        if command == "run" and self.order.started_at is None:
            stamp = "started_at"
        if stamp:
            setattr(self.order, stamp, self.at)
            self.order_fields.add(stamp)

    def arrive(self, operation: Operation, quantity: Decimal) -> None:
        """QUANTITY arrives: to `in_process` while RUNNING, through a skipped operation to the next, else to the
        queue.
        """
        if quantity <= 0:
            return
        if operation.state == states.SKIPPED:
            before = {edge.succ_id: self._supply(self.operations[edge.succ_id]) for edge in self.feeds[operation.pk]}
            self.shift(operation, arrived=quantity, passed=quantity)
            self._feed(operation, before)
            return
        if operation.state == states.WAITING:
            self.move(operation, "arrive")
        elif operation.state == states.COMPLETED:
            self.move(operation, "reopen")
        place = "in_process" if operation.state == states.RUNNING else "queue"
        self.shift(operation, arrived=quantity, **{place: quantity})

    def _feed(self, operation: Operation, before: dict[int, Decimal]) -> None:
        for edge in self.feeds[operation.pk]:
            succ = self.operations[edge.succ_id]
            self.arrive(succ, self._supply(succ) - before[edge.succ_id])

    def hand_on(self, operation: Operation) -> None:
        """Good pieces lying at OPERATION go on to its successors. The last operation keeps them."""
        quantity = operation.finished
        if self.is_final(operation) or quantity <= 0:
            return
        before = {edge.succ_id: self._supply(self.operations[edge.succ_id]) for edge in self.feeds[operation.pk]}
        self.shift(operation, finished=-quantity, moved=quantity)
        self._feed(operation, before)

    def book(
        self, operation: Operation, *, good: Decimal, scrap: Decimal, rework: Decimal, short: Decimal = ZERO
    ) -> None:
        """Take the pieces out of `in_process`, then `queue`, into where they went.

        More than is open is accepted within the order's over-tolerance. Raises `more_than_open` beyond it.
        """
        total = good + scrap + rework + short
        excess = total - operation.open_quantity
        if excess > 0:
            self._allow_excess(operation, excess)
            self._delta(operation).excess += excess
            place = "in_process" if operation.state == states.RUNNING else "queue"
            self.shift(operation, arrived=excess, **{place: excess})
        from_process = min(operation.in_process, total)
        self.shift(
            operation,
            in_process=-from_process,
            queue=-(total - from_process),
            finished=good,
            scrap=scrap,
            rework=rework,
            short=short,
        )
        if rework:
            self.arrive(operation, rework)
        if any(edge.overlap for edge in self.feeds[operation.pk]):
            self.hand_on(operation)

    def _allow_excess(self, operation: Operation, excess: Decimal) -> None:
        allowed = self.order.quantity * self.order.over_percent / 100
        standing = OperationChange.objects.filter(operation=operation, reversed_by__isnull=True).exclude(excess=0)
        used = sum((row.excess for row in standing.only("excess")), ZERO)
        # What operations before this one made in excess has arrived here too: the order gets its tolerance once.
        over = operation.arrived - operation.rework + excess - self.order.quantity
        if max(used + excess, over) > allowed:
            raise Refused(
                "more_than_open",
                operation=str(operation),
                open=decimal_text(operation.open_quantity),
                reported=decimal_text(operation.open_quantity + excess),
                unit=self.order.unit.code,
                percent=decimal_text(self.order.over_percent),
            )

    def start(self, operation: Operation, *, set_up: bool) -> None:
        """RUN moves everything queued into process; SETUP only changes the state. A RUNNING operation takes another
        run.
        """
        if (operation.state == states.RUNNING and not set_up) or (operation.state == states.SETUP and set_up):
            self._delta(operation)
        else:
            self.move(operation, "set up" if set_up else "start")
        if not set_up and operation.queue > 0:
            self.shift(operation, in_process=operation.queue, queue=-operation.queue)
        if self.order.state == states.RELEASED:
            self.move_order("run")

    def complete(self, operation: Operation) -> None:
        """COMPLETED, pieces handed on, successors that nothing can reach any more skipped, the order finished if all
        is settled.
        """
        if not self.predecessors_settled(operation):
            raise Refused("upstream_open", operation=str(operation))
        self.move(operation, "complete")
        self.hand_on(operation)
        self._skip_unreachable(operation)
        self.finish_if_settled()

    def _skip_unreachable(self, operation: Operation) -> None:
        for edge in self.feeds[operation.pk]:
            succ = self.operations[edge.succ_id]
            if succ.state == states.WAITING and self.predecessors_settled(succ) and self._supply(succ) == 0:
                self.move(succ, "skip")
                self._skip_unreachable(succ)

    def skip(self, operation: Operation) -> None:
        """SKIPPED: what has arrived passes through, and so will what arrives later."""
        self.move(operation, "skip")
        waiting = operation.queue
        before = {edge.succ_id: self._supply(self.operations[edge.succ_id]) for edge in self.feeds[operation.pk]}
        self.shift(operation, queue=-waiting, passed=waiting)
        self._feed(operation, before)
        self._skip_unreachable(operation)
        self.finish_if_settled()

    def finish_if_settled(self) -> None:
        found = {operation.state for operation in self.operations.values()}
        if self.order.state == states.RUNNING and found <= set(states.SETTLED_OPERATIONS) and states.COMPLETED in found:
            self.move_order("finish")

    def begin_again(self) -> None:
        """After a `write()`: what was written is done, and what follows is written as changes of its own."""
        self.deltas, self.order_fields, self.order_from = {}, set(), self.order.state

    # -- writing -------------------------------------------------------------------------------------------------

    def write(self, report: Report | None = None, reverses: dict[int, int] | None = None) -> None:
        """Write the changes as facts, the operations and the order as they are now, and REPORT, in one statement."""
        rows = [(self.operations[pk], delta) for pk, delta in self.deltas.items()]
        flow_sql.write(
            order=self.order if self.order_fields else None,
            order_fields=sorted(self.order_fields),
            changes=[
                (
                    operation.pk,
                    delta.state_from,
                    operation.state,
                    self.order_from,
                    self.order.state,
                    *(delta.amounts.get(bucket, ZERO) for bucket in BUCKETS),
                    delta.excess,
                    (reverses or {}).get(operation.pk),
                )
                for operation, delta in rows
            ],
            operations=[operation for operation, _delta in rows],
            report=report,
            at=self.at,
        )
