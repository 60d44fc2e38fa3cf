"""Lots of material, where how much of them lies, and the holds upon them."""

import pghistory
from django.db import models
from django.db.models.functions import Now

from mes.kernel.quantities import non_negative, optional_quantity_field, positive, quantity_field
from mes.kernel.transitions import history, keep_rows
from traceability import states
from workorders.models import HoldBase, Item, Operation, Site, StorageLocation


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    context_field=pghistory.ContextJSONField(),
    append_only=True,
    meta=history("lot_history"),
)
class MaterialLot(models.Model):
    """A quantity of one item that shares its past. Its number is unique per item, not beyond."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="lots")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="lots")
    number = models.CharField(max_length=64)
    state = models.CharField(max_length=10, default=states.PLANNED)
    made_by = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="lots_made")
    supplier_lot = models.CharField(max_length=64, blank=True)
    expiry = models.DateField(null=True)
    received_quantity = optional_quantity_field()
    created_at = models.DateTimeField(db_default=Now())
    finished_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="lot_number"),
            states.LOT.check("lot_state"),
            positive("received_quantity", "lot_received_positive"),
        ]
        indexes = [
            models.Index(fields=["site", "number"], name="lot_by_number"),
            models.Index(fields=["made_by"], name="lot_made_by"),
        ]
        triggers = [states.LOT.guard("lot_moves"), states.LOT.by_command("lot_by_command"), *keep_rows("lot")]

    def __str__(self) -> str:
        return self.number


class LotBalance(models.Model):
    """How much of a lot lies at a location: the sum of its movements, kept in the same transaction, never negative."""

    lot = models.ForeignKey(MaterialLot, on_delete=models.PROTECT, related_name="balances")
    location = models.ForeignKey(StorageLocation, on_delete=models.PROTECT, related_name="balances")
    quantity = quantity_field(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["lot", "location"], name="balance_once"),
            non_negative("quantity", name="balance_non_negative"),
        ]
        triggers = keep_rows("balance")

    def __str__(self) -> str:
        return f"{self.lot_id} {self.location_id} {self.quantity}"


class MaterialHold(HoldBase):
    """A quality stop on a lot."""

    lot = models.ForeignKey(MaterialLot, on_delete=models.PROTECT, related_name="holds")

    class Meta:
        indexes = [models.Index(fields=["lot"], name="lot_hold_open", condition=models.Q(released_at__isnull=True))]
        triggers = keep_rows("lot_hold")

    def __str__(self) -> str:
        return f"{self.lot_id}"
