"""Facts about operations and the holds upon them: append-only rows, corrected by reversing rows."""

from django.db import models
from django.db.models.functions import Now

from mes.accounts.models import User
from mes.kernel.quantities import finite, quantity_field
from mes.kernel.transitions import append_only, keep_rows
from workorders.models.material import Item
from workorders.models.order import BUCKETS, Operation, WorkOrder, nothing_lost
from workorders.models.plant import Reason, Site, WorkCenter


class ProductionReport(models.Model):
    """What somebody reported: good, scrap, rework and short, as increments. An undo adds the same with the sign
    turned.
    """

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="reports")
    good = quantity_field(default=0)
    scrap = quantity_field(default=0)
    rework = quantity_field(default=0)
    short = quantity_field(default=0)
    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")
    actor_kind = models.CharField(max_length=10)
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    command_id = models.UUIDField()
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")

    class Meta:
        constraints = [
            finite("good", "scrap", "rework", "short", name="report_finite"),
            models.CheckConstraint(
                condition=models.Q(reverses__isnull=True, good__gte=0, scrap__gte=0, rework__gte=0, short__gte=0)
                | models.Q(reverses__isnull=False, good__lte=0, scrap__lte=0, rework__lte=0, short__lte=0),
                name="report_sign",
            ),
            models.CheckConstraint(
                condition=models.Q(scrap__lte=0) | models.Q(reason__isnull=False), name="report_scrap_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["operation", "occurred_at"], name="report_operation"),
            models.Index(fields=["command_id"], name="report_command"),
            models.Index(fields=["occurred_at"], name="report_occurred"),
        ]
        triggers = append_only("report")

    def __str__(self) -> str:
        return f"{self.operation_id} +{self.good}/{self.scrap}"


class OperationChange(models.Model):
    """What one command did to one operation: the change of every bucket, and the states before and after.

    The buckets of an operation are the sum of these rows, and an undo adds the same row with the signs turned: the
    database's own constraints then say whether something already depends on what is taken back.
    """

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="changes")
    command_id = models.UUIDField()
    state_from = models.CharField(max_length=10)
    state_to = models.CharField(max_length=10)
    order_from = models.CharField(max_length=10)
    order_to = models.CharField(max_length=10)
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
    excess = quantity_field(default=0)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")

    class Meta:
        constraints = [
            finite(*BUCKETS, "excess", name="change_finite"),
            nothing_lost("change_nothing_lost"),
        ]
        indexes = [
            models.Index(fields=["command_id"], name="change_command"),
            models.Index(fields=["operation", "id"], name="change_operation"),
        ]
        triggers = append_only("change")

    def __str__(self) -> str:
        return f"{self.operation_id} {self.state_from}→{self.state_to}"


class HoldBase(models.Model):
    """What every hold has: a reason, who placed it, and who lifted it. A hold is a row, never a state."""

    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    placed_by_name = models.CharField(max_length=120)
    placed_at = models.DateTimeField(db_default=Now())
    is_quality = models.BooleanField(default=False)
    released_by_name = models.CharField(max_length=120, blank=True)
    released_at = models.DateTimeField(null=True)
    release_note = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True


class Hold(HoldBase):
    """A stop on an item, an order, an operation or a work center, until somebody who may lifts it."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="holds")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, null=True, related_name="holds")
    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, null=True, related_name="holds")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="holds")
    work_center = models.ForeignKey(WorkCenter, on_delete=models.PROTECT, null=True, related_name="holds")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    item__isnull=False, order__isnull=True, operation__isnull=True, work_center__isnull=True
                )
                | models.Q(item__isnull=True, order__isnull=False, operation__isnull=True, work_center__isnull=True)
                | models.Q(item__isnull=True, order__isnull=True, operation__isnull=False, work_center__isnull=True)
                | models.Q(item__isnull=True, order__isnull=True, operation__isnull=True, work_center__isnull=False),
                name="hold_holds_one_thing",
            )
        ]
        indexes = [models.Index(fields=["site"], name="hold_open", condition=models.Q(released_at__isnull=True))]
        triggers = keep_rows("hold")

    def __str__(self) -> str:
        return f"{self.reason or self.note}"
