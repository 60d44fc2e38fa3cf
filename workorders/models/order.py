"""Orders and their operations: the living state. Facts about them are in `facts.py`."""

import functools
import operator
from decimal import Decimal
from typing import ClassVar

import pghistory
from django.db import models
from django.db.models.functions import Now

from mes.accounts.models import User
from mes.kernel.quantities import finite, non_negative, positive, quantity_field
from mes.kernel.transitions import history, keep_rows
from workorders import states
from workorders.models.material import Item, UnitOfMeasure
from workorders.models.plant import Reason, Site, WorkCenter, WorkUnit

BUCKETS = ("arrived", "queue", "in_process", "finished", "moved", "scrap", "held", "rework", "short", "passed")
#: Everything that arrived is in exactly one of these.
PLACES = BUCKETS[1:]


def nothing_lost(name: str) -> models.CheckConstraint:
    """What arrived is the sum of the places: of an operation's buckets as of every change to them."""
    total = functools.reduce(operator.add, (models.F(place) for place in PLACES))
    return models.CheckConstraint(condition=models.Q(arrived=total), name=name)


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    context_field=pghistory.ContextJSONField(),
    append_only=True,
    meta=history("order_history"),
)
class WorkOrder(models.Model):
    """A production order. `definition` is what planning said; release freezes it into operations and requirements."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="orders")
    number = models.CharField(max_length=64)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="orders")
    quantity = quantity_field()
    unit = models.ForeignKey(UnitOfMeasure, on_delete=models.PROTECT, related_name="+")
    need_date = models.DateTimeField(null=True)
    customer_order = models.CharField(max_length=64, blank=True)
    priority = models.IntegerField(default=0)
    manual_rank = models.IntegerField(default=0)
    state = models.CharField(max_length=10, default=states.RECEIVED)
    over_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    definition = models.JSONField(default=dict)
    blockers = models.JSONField(default=list)
    routing_version = models.CharField(max_length=30, blank=True)
    bom_version = models.CharField(max_length=30, blank=True)
    source = models.CharField(max_length=20, default="manual")
    split_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="splits")
    created_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "number"], name="order_number"),
            states.ORDER.check("order_state"),
            positive("quantity", "order_quantity_positive"),
            models.CheckConstraint(
                condition=models.Q(over_percent__gte=0, over_percent__lte=100), name="order_over_percent"
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[states.RELEASED, states.RUNNING, states.DONE, states.CLOSED])
                | models.Q(released_at__isnull=False),
                name="order_released_has_time",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[states.DONE, states.CLOSED]) | models.Q(finished_at__isnull=False),
                name="order_done_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["site", "state", "need_date", "id"], name="order_board"),
            models.Index(fields=["site", "customer_order"], name="order_customer"),
        ]
        triggers = [states.ORDER.guard("order_moves"), states.ORDER.by_command("order_by_command"), *keep_rows("order")]

    def __str__(self) -> str:
        return self.number


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    context_field=pghistory.ContextJSONField(),
    append_only=True,
    meta=history("operation_history"),
)
class Operation(models.Model):
    """One step of an order at one work center, with where its pieces are. Its buckets equal its `OperationChange`
    rows.
    """

    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, related_name="operations")
    sequence = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    work_center = models.ForeignKey(WorkCenter, on_delete=models.PROTECT, related_name="operations")
    state = models.CharField(max_length=10, default=states.WAITING)
    setup_minutes = quantity_field(default=0)
    run_minutes_per_unit = quantity_field(default=0)
    instruction = models.TextField(blank=True)
    arrived = quantity_field(default=0)
    queue = quantity_field(default=0)
    in_process = quantity_field(default=0)
    finished = quantity_field(default=0)
    moved = quantity_field(default=0)
    scrap = quantity_field(default=0)
    held = quantity_field(default=0)
    rework = quantity_field(default=0)
    short = quantity_field(default=0)
    passed = quantity_field(default=0)
    ready_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "sequence"], condition=~models.Q(state=states.CANCELLED), name="operation_sequence"
            ),
            states.OPERATION.check("operation_state"),
            non_negative(*BUCKETS, name="operation_buckets"),
            nothing_lost("operation_nothing_lost"),
            non_negative("setup_minutes", "run_minutes_per_unit", name="operation_minutes"),
            models.CheckConstraint(
                condition=~models.Q(state=states.COMPLETED) | models.Q(completed_at__isnull=False),
                name="operation_completed_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["work_center", "state", "order"],
                name="operation_dispatch",
                condition=models.Q(state__in=["WAITING", "READY", "SETUP", "RUNNING", "SUSPENDED"]),
            ),
        ]
        triggers = [
            states.OPERATION.guard("operation_moves"),
            states.OPERATION.by_command("operation_by_command"),
            *keep_rows("operation"),
        ]

    def __str__(self) -> str:
        return f"{self.order.number}-{self.sequence}"

    @property
    def good(self) -> Decimal:
        """Good pieces made here: those still lying at the operation and those that went on."""
        return self.finished + self.moved

    @property
    def open_quantity(self) -> Decimal:
        return self.queue + self.in_process


class OperationEdge(models.Model):
    """PRED feeds SUCC. Overlap lets pieces arrive at each report, else all of them when PRED completes."""

    pred = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="edges_out")
    succ = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="edges_in")
    overlap = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pred", "succ"], name="edge_once"),
            models.CheckConstraint(condition=~models.Q(pred=models.F("succ")), name="edge_goes_on"),
        ]
        triggers = keep_rows("edge")

    def __str__(self) -> str:
        return f"{self.pred_id} → {self.succ_id}"


class OrderMaterial(models.Model):
    """What an order needs of one component at one operation, frozen at release. `consumed` equals its net movements."""

    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, related_name="materials")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="materials")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+")
    quantity_per = quantity_field()
    unit = models.ForeignKey(UnitOfMeasure, on_delete=models.PROTECT, related_name="+")
    required = quantity_field()
    #: The phantoms this line was exploded from, outermost first; empty for a line of the order's own bill.
    path = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operation", "item"], name="order_material_once"),
            positive("quantity_per", "order_material_positive"),
            finite("required", name="order_material_finite"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} {self.item_id}"


class OperationRun(models.Model):
    """Somebody or something working on an operation for a span of time. RUNNING means at least one is open."""

    RUN, SET_UP = "RUN", "SETUP"
    KINDS: ClassVar[tuple[str, ...]] = (RUN, SET_UP)

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="runs")
    work_unit = models.ForeignKey(WorkUnit, on_delete=models.PROTECT, null=True, related_name="runs")
    kind = models.CharField(max_length=5, default=RUN)
    source = models.CharField(max_length=30)
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="runs")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    opened_by = models.UUIDField()
    closed_by = models.UUIDField(null=True)
    voided_by = models.UUIDField(null=True)
    suspend_reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operation", "source"], condition=models.Q(ended_at__isnull=True), name="run_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("started_at")),
                name="run_span",
            ),
            models.CheckConstraint(condition=models.Q(kind__in=["RUN", "SETUP"]), name="run_kind"),
            models.CheckConstraint(
                condition=models.Q(voided_by__isnull=True) | models.Q(ended_at__isnull=False), name="run_voided_is_over"
            ),
        ]
        indexes = [
            models.Index(fields=["opened_by"], name="run_opened_by"),
            models.Index(fields=["closed_by"], name="run_closed_by"),
        ]
        triggers = keep_rows("run")

    def __str__(self) -> str:
        return f"{self.operation_id} {self.source}"
