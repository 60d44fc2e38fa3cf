"""By which steps an item is made: versioned routings. A `RoutingStep` is the template, an `Operation` of an order
the instance.
"""

from django.db import models

from mes.kernel.quantities import non_negative, quantity_field
from workorders.models.material import Item
from workorders.models.plant import Site, WorkCenter


class Routing(models.Model):
    """One version of an item's steps. Orders freeze a copy at release."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="routings")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="routings")
    version = models.CharField(max_length=30)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "version"], name="routing_version")]

    def __str__(self) -> str:
        return f"{self.item} {self.version}"


class RoutingStep(models.Model):
    """One step: where, how long to set up, how long per unit. Overlap lets pieces move on at each report."""

    routing = models.ForeignKey(Routing, on_delete=models.CASCADE, related_name="steps")
    sequence = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    work_center = models.ForeignKey(WorkCenter, on_delete=models.PROTECT, related_name="routing_steps")
    setup_minutes = quantity_field(default=0)
    run_minutes_per_unit = quantity_field(default=0)
    instruction = models.TextField(blank=True)
    overlap = models.BooleanField(default=False)

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["routing", "sequence"], name="routing_step_sequence"),
            non_negative("setup_minutes", "run_minutes_per_unit", name="routing_step_minutes"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.name}"
