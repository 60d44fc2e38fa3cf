"""What was found: one inspection per characteristic and operation, and every value measured for it."""

from django.db import models
from django.db.models.functions import Now

from mes.accounts.models import User
from mes.kernel.quantities import finite, optional_quantity_field, quantity_field
from mes.kernel.transitions import append_only, keep_rows
from quality import states
from quality.models.plans import Characteristic, Gauge
from workorders.models import Operation


class Inspection(models.Model):
    """A check owed by one operation, with the limits as they were when the order was released."""

    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="inspections")
    characteristic = models.ForeignKey(Characteristic, on_delete=models.PROTECT, null=True, related_name="inspections")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    unit = models.CharField(max_length=20, blank=True)
    nominal = optional_quantity_field()
    lower = optional_quantity_field()
    upper = optional_quantity_field()
    decimals = models.PositiveSmallIntegerField(default=3)
    is_mandatory = models.BooleanField(default=True)
    gauge_required = models.BooleanField(default=False)
    sequence = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, default=states.DUE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["operation", "code"], name="inspection_once"),
            states.INSPECTION.check("inspection_state"),
            finite("nominal", "lower", "upper", name="inspection_finite"),
        ]
        triggers = [
            states.INSPECTION.guard("inspection_moves"),
            states.INSPECTION.by_command("inspection_by_command"),
            *keep_rows("inspection"),
        ]

    def __str__(self) -> str:
        return self.code


class Measurement(models.Model):
    """One value as it was read, the verdict it got, and by whom and what it was measured."""

    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="measurements")
    value = quantity_field()
    passed = models.BooleanField()
    gauge = models.ForeignKey(Gauge, on_delete=models.PROTECT, null=True, related_name="measurements")
    actor_kind = models.CharField(max_length=10)
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=120)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    command_id = models.UUIDField()

    class Meta:
        constraints = [finite("value", name="measurement_finite")]
        indexes = [models.Index(fields=["inspection", "id"], name="measurement_inspection")]
        triggers = append_only("measurement")

    def __str__(self) -> str:
        return f"{self.inspection_id} {self.value}"
