"""One job as the terminal shows it: where its pieces are, pace, material, checks. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from mes.kernel.actors import Actor
from mes.kernel.errors import Blocker
from mes.kernel.quantities import ZERO
from quality import states as checks
from quality.models import Inspection, Measurement
from traceability.models import LotBalance, MaterialHold, MaterialLot, MaterialMovement
from traceability.queries import Need, needs_of
from traceability.states import AVAILABLE
from workorders import states
from workorders.actions.floor import holds_on
from workorders.gates import BEFORE_COMPLETE, BEFORE_START
from workorders.models import Operation, OperationRun

STARTABLE = (states.READY, states.SETUP, states.SUSPENDED)
WORKED_ON = (states.SETUP, states.RUNNING, states.SUSPENDED)


@dataclass(frozen=True)
class UsedLot:
    """A lot that went into the job, and the command that takes the last of it back."""

    number: str
    quantity: Decimal
    command_id: str


@dataclass(frozen=True)
class Material:
    """One component: need, used, to go, the lots used, and where the next good lot lies. Never filled in by itself."""

    need: Need
    used: tuple[UsedLot, ...]
    suggestion: str
    suggested_from: str
    suggested_stock: Decimal

    @property
    def is_tracked(self) -> bool:
        return self.need.tracking != "NONE"


@dataclass(frozen=True)
class Check:
    """One check with its limits and what was measured so far, the newest last."""

    row: Inspection
    measured: tuple[Measurement, ...]

    @property
    def is_due(self) -> bool:
        return self.row.state != checks.PASSED

    @property
    def last(self) -> Measurement | None:
        return self.measured[-1] if self.measured else None

    @property
    def limits(self) -> str:
        return f"{self.row.lower}…{self.row.upper}"


@dataclass(frozen=True)
class Pace:
    """Time against the standard. Minutes; `finish` as it goes now, None before the first piece."""

    worked: float
    standard: float
    percent: float
    expected: float | None
    per_piece: float | None
    standard_per_piece: float
    finish: datetime | None


@dataclass(frozen=True)
class Job:
    """Everything the job page says."""

    operation: Operation
    runs: tuple[OperationRun, ...]
    mine: OperationRun | None
    holds: tuple[Blocker, ...]
    blockers: tuple[Blocker, ...]
    to_complete: tuple[Blocker, ...]
    needs: tuple[Need, ...]
    checks: tuple[Check, ...]
    pace: Pace

    @property
    def made(self) -> Decimal:
        return self.operation.good + self.operation.scrap

    @property
    def to_go(self) -> Decimal:
        return self.operation.open_quantity

    @property
    def can_start(self) -> bool:
        return self.operation.state in STARTABLE and not self.blockers and not self.holds

    @property
    def is_running(self) -> bool:
        return self.operation.state == states.RUNNING

    @property
    def can_report(self) -> bool:
        return self.operation.state in (states.RUNNING, states.SUSPENDED) and not self.holds

    @property
    def is_over(self) -> bool:
        return self.operation.state in states.SETTLED_OPERATIONS

    @property
    def check(self) -> Check | None:
        """The next check that is due."""
        return next((check for check in self.checks if check.is_due), None)

    @property
    def open_needs(self) -> list[Need]:
        return [need for need in self.needs if need.to_go]

    @property
    def shown_needs(self) -> list[Need]:
        """As many as fit beside a check that is due; what is still to be scanned comes first."""
        ordered = sorted(self.needs, key=lambda need: not need.to_go)
        return ordered[: 4 if self.check else 8]

    @property
    def why_not(self) -> str:
        """Why it cannot be started, in one sentence; empty when it can or is."""
        if self.operation.state == states.WAITING:
            return waits_for(self.operation)
        first = next(iter((*self.holds, *self.blockers)), None)
        return first.message if first else ""


def operation_of(actor: Actor, pk: int) -> Operation | None:
    """The operation of the actor's site, with its order and item."""
    rows = Operation.objects.filter(pk=pk, order__site_id=actor.site_id)
    return rows.select_related("order__item__unit", "order__unit", "order__site", "work_center__location").first()


def job_of(actor: Actor, operation: Operation) -> Job:
    """The job page's facts, in a fixed number of queries."""
    rows = OperationRun.objects.filter(operation=operation, voided_by__isnull=True).select_related("person")
    runs = list(rows.order_by("started_at"))
    open_runs = tuple(run for run in runs if run.ended_at is None)
    asks_start = operation.state in STARTABLE
    asks_end = operation.state in WORKED_ON
    return Job(
        operation=operation,
        runs=open_runs,
        mine=next((run for run in open_runs if run.source == actor.source), None),
        holds=tuple(holds_on(operation)),
        blockers=tuple(BEFORE_START.blockers(operation_id=operation.pk, actor=actor)) if asks_start else (),
        to_complete=tuple(BEFORE_COMPLETE.blockers(operation_id=operation.pk)) if asks_end else (),
        needs=tuple(needs_of(operation.pk)),
        checks=checks_of(operation),
        pace=pace_of(operation, runs, timezone.now()),
    )


def waits_for(operation: Operation) -> str:
    """What a WAITING operation waits for: the open operations before it."""
    before = Operation.objects.filter(edges_out__succ=operation).exclude(state__in=states.SETTLED_OPERATIONS)
    names = [f"{row.sequence} {row.name}" for row in before.order_by("sequence")]
    return _("It waits for operation {names}.").format(names=", ".join(names)) if names else _("It waits for pieces.")


def checks_of(operation: Operation) -> tuple[Check, ...]:
    rows = list(Inspection.objects.filter(operation=operation).order_by("sequence", "id"))
    measured: dict[int, list[Measurement]] = {}
    for value in Measurement.objects.filter(inspection__in=rows).select_related("gauge").order_by("id"):
        measured.setdefault(value.inspection_id, []).append(value)
    return tuple(Check(row, tuple(measured.get(row.pk, []))) for row in rows)


def pace_of(operation: Operation, runs: list[OperationRun], now: datetime) -> Pace:
    """Minutes in which anybody was running it (two at once count once) against the standard."""
    worked = _minutes([run for run in runs if run.kind == OperationRun.RUN], now)
    made = operation.good + operation.scrap
    each = float(operation.run_minutes_per_unit)
    standard = float(operation.arrived) * each
    percent = float(made / operation.arrived * 100) if operation.arrived else 0.0
    per_piece = worked / float(made) if made and worked else None
    finish = None
    if operation.open_quantity and (per_piece or each) and operation.state == states.RUNNING:
        finish = now + timedelta(minutes=float(operation.open_quantity) * (per_piece or each))
    return Pace(
        worked=worked,
        standard=standard,
        percent=min(percent, 100.0),
        expected=min(worked / standard * 100, 100.0) if standard else None,
        per_piece=per_piece,
        standard_per_piece=each,
        finish=finish,
    )


def _minutes(runs: list[OperationRun], now: datetime) -> float:
    total, until = 0.0, None
    for run in sorted(runs, key=lambda run: run.started_at):
        end = run.ended_at or now
        start = run.started_at if until is None else max(run.started_at, until)
        if end > start:
            total += (end - start).total_seconds() / 60
        until = end if until is None else max(until, end)
    return total


def materials_of(operation: Operation) -> list[Material]:
    """The components with the lots used and the next good lot, oldest expiry first."""
    needs = needs_of(operation.pk)
    moves = MaterialMovement.objects.filter(
        operation=operation, kind=MaterialMovement.CONSUME, reverses__isnull=True, reversed_by__isnull=True
    )
    used: dict[int, dict[str, UsedLot]] = {}
    for move in moves.select_related("lot").order_by("id"):
        mine = used.setdefault(move.item_id, {})
        name = move.lot.number if move.lot else ""
        before = mine[name].quantity if name in mine else ZERO
        mine[name] = UsedLot(name, before - move.quantity, str(move.command_id))
    wanted = [need.item_id for need in needs if need.to_go and need.tracking != "NONE"]
    suggested = suggestions(operation, wanted)
    return [
        Material(need, tuple(used.get(need.item_id, {}).values()), *suggested.get(need.item_id, ("", "", ZERO)))
        for need in needs
    ]


def suggestions(operation: Operation, items: list[int]) -> dict[int, tuple[str, str, Decimal]]:
    """For each item the lot to take next: available, not held, not expired, oldest expiry then oldest lot."""
    today = timezone.localdate()
    lots = MaterialLot.objects.filter(item_id__in=items, site_id=operation.order.site_id, state=AVAILABLE)
    held = MaterialHold.objects.filter(released_at__isnull=True).values("lot_id")
    lots = lots.exclude(pk__in=held).exclude(expiry__lt=today)
    rows = (
        LotBalance.objects.filter(lot__in=lots, quantity__gt=0)
        .select_related("lot", "location")
        .order_by("lot__expiry", "lot__id", "-quantity")
    )
    found: dict[int, tuple[str, str, Decimal]] = {}
    for row in rows:
        found.setdefault(row.lot.item_id, (row.lot.number, row.location.code, row.quantity))
    return found
