"""What is to be told to an ERP, each message once, and every attempt to tell it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from erp_sync import states
from erp_sync.models.connection import ErpConnection
from mes.kernel.models import Event
from mes.kernel.transitions import append_only, keep_rows


class OutboundMessage(models.Model):
    """One fact for one ERP. Made once per event, told in the order of its partition, under a lease.

    The partition is what must stay in order (an order of ours); a PENDING or PARKED message holds back the later ones
    of its own partition and nobody else's. `touched` means that the ERP may hold something of it.
    """

    COMPLETION, REVERSAL = "order_completion", "order_reversal"

    connection = models.ForeignKey(ErpConnection, on_delete=models.PROTECT, related_name="messages")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    key = models.UUIDField()
    partition = models.CharField(max_length=40)
    label = models.CharField(max_length=64)
    payload = models.JSONField()
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, default=states.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    touched = models.BooleanField(default=False)
    not_before = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    error_class = models.CharField(max_length=30, blank=True)
    error_code = models.CharField(max_length=120, blank=True)
    reason = models.TextField(blank=True)
    accepted = ArrayField(models.CharField(max_length=120), default=list)
    created_at = models.DateTimeField(db_default=Now())
    posted_at = models.DateTimeField(null=True)
    erp_key = models.CharField(max_length=64, blank=True)
    differences = models.JSONField(default=list)
    settled_by = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "event"], name="message_once"),
            models.UniqueConstraint(fields=["connection", "key"], name="message_key"),
            states.MESSAGE.check("message_state"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["order_completion", "order_reversal"]), name="message_kind"
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=[states.PARKED, states.SKIPPED, states.CANCELLED]) | ~models.Q(reason=""),
                name="message_says_why",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=states.POSTED) | (models.Q(posted_at__isnull=False) & ~models.Q(erp_key="")),
                name="message_posted_has_receipt",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=states.SKIPPED) | ~models.Q(settled_by=""), name="message_skipped_by_somebody"
            ),
            models.CheckConstraint(
                condition=models.Q(lease_token__isnull=True, leased_until__isnull=True)
                | models.Q(lease_token__isnull=False, leased_until__isnull=False, state=states.PENDING),
                name="message_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "partition", "id"],
                name="message_unsettled",
                condition=models.Q(state__in=states.UNSETTLED),
            ),
            models.Index(fields=["connection", "-id"], name="message_recent"),
            models.Index(fields=["partition"], name="message_partition"),
        ]
        triggers = [states.MESSAGE.guard("message_moves"), *keep_rows("message")]

    def __str__(self) -> str:
        return f"{self.kind} {self.label}"


class OutboundAttempt(models.Model):
    """One attempt to tell a message, or one decision of a person about it. Never changed."""

    message = models.ForeignKey(OutboundMessage, on_delete=models.PROTECT, related_name="history")
    at = models.DateTimeField(db_default=Now())
    actor_name = models.CharField(max_length=120)
    outcome = models.CharField(max_length=30)
    text = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["message", "id"], name="attempt_message")]
        triggers = append_only("attempt")

    def __str__(self) -> str:
        return f"{self.message_id} {self.outcome}"
