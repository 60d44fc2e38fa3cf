"""What became of what: movements are facts, links are their projection."""

from django.db import models
from django.db.models.functions import Now

from mes.accounts.models import User
from mes.kernel.quantities import finite, positive, quantity_field
from mes.kernel.transitions import append_only
from traceability.models.lots import MaterialLot
from workorders.models import Item, Operation, Reason, Site, StorageLocation, UnitOfMeasure, WorkOrder


class MaterialMovement(models.Model):
    """The fact of every receipt, consumption, output, adjustment and transfer. `quantity` is what it adds to the stock.

    Consumption is negative, output and receipt positive; the lot is null only for items that are not tracked.
    """

    RECEIVE, CONSUME, OUTPUT, ADJUST, TRANSFER = "RECEIVE", "CONSUME", "OUTPUT", "ADJUST", "TRANSFER"

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(max_length=10)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="movements")
    lot = models.ForeignKey(MaterialLot, on_delete=models.PROTECT, null=True, related_name="movements")
    location = models.ForeignKey(StorageLocation, on_delete=models.PROTECT, null=True, related_name="movements")
    quantity = quantity_field()
    unit = models.ForeignKey(UnitOfMeasure, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, null=True, related_name="movements")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="movements")
    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")
    actor_kind = models.CharField(max_length=10)
    person = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    command_id = models.UUIDField()
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")

    class Meta:
        constraints = [
            finite("quantity", name="movement_finite"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["RECEIVE", "CONSUME", "OUTPUT", "ADJUST", "TRANSFER"]),
                name="movement_kind",
            ),
            models.CheckConstraint(condition=~models.Q(quantity=0), name="movement_moves"),
            models.CheckConstraint(
                condition=~models.Q(kind__in=["CONSUME", "OUTPUT"])
                | models.Q(operation__isnull=False, order__isnull=False),
                name="movement_has_operation",
            ),
            models.CheckConstraint(
                condition=models.Q(reverses__isnull=False)
                | models.Q(kind="CONSUME", quantity__lt=0)
                | models.Q(kind__in=["OUTPUT", "RECEIVE"], quantity__gt=0)
                | models.Q(kind__in=["ADJUST", "TRANSFER"]),
                name="movement_sign",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="ADJUST") | models.Q(reason__isnull=False) | models.Q(reverses__isnull=False),
                name="movement_adjust_says_why",
            ),
            models.CheckConstraint(
                condition=models.Q(lot__isnull=True) | models.Q(location__isnull=False),
                name="movement_lot_lies_somewhere",
            ),
        ]
        indexes = [
            models.Index(fields=["lot", "location"], name="movement_lot"),
            models.Index(fields=["order", "item"], name="movement_order"),
            models.Index(fields=["operation"], name="movement_operation"),
            models.Index(fields=["command_id"], name="movement_command"),
        ]
        triggers = append_only("movement")

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity}"


class GenealogyLink(models.Model):
    """SOURCE went into TARGET on ORDER, as far as the facts say: the net consumption of the order, greater than zero.

    Certainty SCANNED: one lot came out of the order. POSSIBLE: several came out, and each may contain the source.
    """

    SCANNED, POSSIBLE = "SCANNED", "POSSIBLE"

    source = models.ForeignKey(MaterialLot, on_delete=models.PROTECT, related_name="links_out")
    target = models.ForeignKey(MaterialLot, on_delete=models.PROTECT, related_name="links_in")
    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, related_name="links")
    quantity = quantity_field()
    certainty = models.CharField(max_length=10, default=SCANNED)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "source", "order"], name="link_once"),
            models.CheckConstraint(condition=~models.Q(source=models.F("target")), name="link_not_itself"),
            positive("quantity", "link_positive"),
            models.CheckConstraint(condition=models.Q(certainty__in=["SCANNED", "POSSIBLE"]), name="link_certainty"),
        ]
        indexes = [models.Index(fields=["source", "target"], name="link_forward")]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}"
