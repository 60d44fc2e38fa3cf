"""What is checked: inspection plans, their characteristics with limits, and the gauges they are measured with."""

from django.db import models

from mes.kernel.quantities import finite, optional_quantity_field
from workorders.models import Item, Site


class InspectionPlan(models.Model):
    """The checks of one item at one operation (by its sequence). Orders copy the limits at release."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="inspection_plans")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="inspection_plans")
    operation = models.PositiveIntegerField()
    version = models.CharField(max_length=30)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "operation", "version"], name="plan_version"),
            models.UniqueConstraint(
                fields=["item", "operation"], condition=models.Q(is_active=True), name="plan_one_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item} {self.operation} {self.version}"


class Characteristic(models.Model):
    """One measured value with its limits. A mandatory one blocks the completion of its operation until it passes."""

    plan = models.ForeignKey(InspectionPlan, on_delete=models.CASCADE, related_name="characteristics")
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

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "code"], name="characteristic_code"),
            models.CheckConstraint(
                condition=models.Q(lower__isnull=True)
                | models.Q(upper__isnull=True)
                | models.Q(lower__lte=models.F("upper")),
                name="characteristic_limits",
            ),
            finite("nominal", "lower", "upper", name="characteristic_finite"),
        ]

    def __str__(self) -> str:
        return self.code


class Gauge(models.Model):
    """A measuring instrument and until when its calibration holds."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="gauges")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80, blank=True)
    calibrated_until = models.DateField(null=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "code"], name="gauge_code")]

    def __str__(self) -> str:
        return self.code
