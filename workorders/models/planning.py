"""What planning does to released orders: changes asked for and decided, places in the queue moved by hand, and
corrections after the end.
"""

from django.db import models
from django.db.models.functions import Now

from mes.accounts.models import User
from mes.kernel.quantities import finite, quantity_field
from mes.kernel.transitions import append_only, keep_rows
from workorders import states
from workorders.models.order import Operation, WorkOrder
from workorders.models.plant import Reason


class ChangeRequest(models.Model):
    """A change asked for on an order that is already released: what it was, what it shall be, and what was decided.

    `changes` is `{field: {"from": text, "to": text}}`, with quantities and times as text.
    """

    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, related_name="change_requests")
    changes = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=20)
    state = models.CharField(max_length=10, default=states.REQUESTED)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    requested_by_name = models.CharField(max_length=120)
    requested_at = models.DateTimeField(db_default=Now())
    decided_by_name = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            states.CHANGE.check("change_request_state"),
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(state=states.REQUESTED), name="change_request_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(state=states.REQUESTED, decided_at__isnull=True)
                | (~models.Q(state=states.REQUESTED) & models.Q(decided_at__isnull=False)),
                name="change_request_decided_has_time",
            ),
        ]
        triggers = [
            states.CHANGE.guard("change_request_moves"),
            states.CHANGE.by_command("change_request_by_command"),
            *keep_rows("change_request"),
        ]

    def __str__(self) -> str:
        return f"{self.order} {', '.join(self.changes)}"


class Resequencing(models.Model):
    """The fact that an order was given another place in the queues by hand. `reverses` is the move that it undoes."""

    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, related_name="resequencings")
    rank_from = models.IntegerField()
    rank_to = models.IntegerField()
    actor_name = models.CharField(max_length=120)
    note = models.CharField(max_length=200, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    command_id = models.UUIDField()
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="reversed_by")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~models.Q(rank_from=models.F("rank_to")), name="resequencing_moves")
        ]
        indexes = [models.Index(fields=["command_id"], name="resequencing_command")]
        triggers = append_only("resequencing")

    def __str__(self) -> str:
        return f"{self.order_id} {self.rank_from} → {self.rank_to}"


class OrderCorrection(models.Model):
    """What was found out about an order after it was closed: more or fewer pieces than its records say.

    The closed records stay as they are; whoever reads the order's result adds its corrections.
    """

    order = models.ForeignKey(WorkOrder, on_delete=models.PROTECT, related_name="corrections")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="corrections")
    good = quantity_field(default=0)
    scrap = quantity_field(default=0)
    reason = models.ForeignKey(Reason, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200)
    actor_name = models.CharField(max_length=120)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    command_id = models.UUIDField(unique=True)

    class Meta:
        constraints = [
            finite("good", "scrap", name="correction_finite"),
            models.CheckConstraint(condition=~models.Q(good=0, scrap=0), name="correction_corrects"),
            models.CheckConstraint(condition=~models.Q(note=""), name="correction_says_why"),
        ]
        triggers = append_only("correction")

    def __str__(self) -> str:
        return f"{self.order_id} {self.good} {self.scrap}"
