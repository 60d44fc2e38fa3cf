"""The kernel's tables: receipts of commands, the chained event log, and deliveries (the outbox). No domain noun
lives here.
"""

import uuid

import pgtrigger
from django.db import models
from django.db.models.functions import Now

from mes.kernel.transitions import append_only, keep_rows, kept_for_a_time

#: Subject heads are advanced by the trigger alone. `prev` and `hash` bind each event to the one before it on its
#: subject. The id is drawn under the head's lock, so that ids of one subject rise with its sequence.
CHAIN = """
    INSERT INTO kernel_eventhead (subject, seq, hash) VALUES (NEW.subject, 0, decode('', 'hex'))
        ON CONFLICT (subject) DO NOTHING;
    SELECT * INTO head FROM kernel_eventhead WHERE subject = NEW.subject FOR NO KEY UPDATE;
    NEW.id := nextval(pg_get_serial_sequence('kernel_event', 'id'));
    NEW.seq := head.seq + 1;
    NEW.prev := head.hash;
    NEW.hash := sha256(head.hash || convert_to(NEW.seq::text || ' ' || NEW.canonical, 'UTF8'));
    NEW.tx := pg_current_xact_id()::text::bigint;
    UPDATE kernel_eventhead SET seq = NEW.seq, hash = NEW.hash WHERE subject = NEW.subject;
    RETURN NEW;
"""


class CommandReceipt(models.Model):
    """What a command id once did. The same id and fingerprint gets this outcome again; another fingerprint is
    refused.
    """

    command_id = models.UUIDField(primary_key=True)
    fingerprint = models.BinaryField()
    name = models.CharField(max_length=60)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=120)
    site_id = models.BigIntegerField(null=True)
    terminal_id = models.BigIntegerField(null=True)
    status = models.PositiveSmallIntegerField(default=0)
    outcome = models.JSONField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())
    undone_by = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["recorded_at"], name="receipt_recorded")]
        triggers = [kept_for_a_time("receipt", "OLD.recorded_at > now() - interval '400 days'")]

    def __str__(self) -> str:
        return f"{self.name} {self.command_id}"


class CommandApproval(models.Model):
    """A person with the right to back-enter lets one refused late command id through."""

    command_id = models.UUIDField(primary_key=True)
    approved_by = models.BigIntegerField()
    approved_at = models.DateTimeField(db_default=Now())
    reason = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return str(self.command_id)


class EventHead(models.Model):
    """The newest sequence and hash of each subject's chain. Written only by the chain trigger; a lock of the last
    rank.
    """

    subject = models.CharField(max_length=80, primary_key=True)
    seq = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        triggers = keep_rows("eventhead")

    def __str__(self) -> str:
        return f"{self.subject} {self.seq}"


class Event(models.Model):
    """One business fact: who, when, what, why. Audit trail, feed and outbox in one; never changed, never deleted."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True)
    site_id = models.BigIntegerField()
    name = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    subject = models.CharField(max_length=80)
    label = models.CharField(max_length=120)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=120)
    terminal_id = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    command_id = models.UUIDField()
    payload = models.JSONField()
    canonical = models.TextField()
    seq = models.BigIntegerField(default=0)
    prev = models.BinaryField(default=b"")
    hash = models.BinaryField(default=b"")
    tx = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "seq"], name="event_subject_seq")]
        indexes = [
            models.Index(fields=["site_id", "tx", "id"], name="event_feed"),
            models.Index(fields=["command_id"], name="event_command"),
            models.Index(fields=["site_id", "name", "-id"], name="event_name"),
        ]
        triggers = [
            *append_only("event"),
            pgtrigger.Trigger(
                name="event_chain",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("head", "kernel_eventhead%ROWTYPE")],
                func=CHAIN,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.label}"


class Delivery(models.Model):
    """One event owed to one subscriber: leased, retried with a growing pause, parked with a reason people can read."""

    OPEN, DONE, PARKED, SKIPPED = "OPEN", "DONE", "PARKED", "SKIPPED"

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="deliveries")
    subscriber = models.CharField(max_length=40)
    subject = models.CharField(max_length=80)
    status = models.CharField(max_length=10, default=OPEN)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(db_default=Now())
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    parked_reason = models.TextField(blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "subscriber"], name="delivery_once"),
            models.CheckConstraint(
                condition=models.Q(status__in=["OPEN", "DONE", "PARKED", "SKIPPED"]), name="delivery_status"
            ),
            models.CheckConstraint(
                condition=models.Q(status="PARKED", parked_reason__gt="") | ~models.Q(status="PARKED"),
                name="delivery_parked_says_why",
            ),
        ]
        indexes = [
            models.Index(
                fields=["subscriber", "subject", "event"],
                name="delivery_open",
                condition=models.Q(status__in=["OPEN", "PARKED"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscriber} {self.event_id} {self.status}"


class ScanLog(models.Model):
    """One scan and the verdict it got, also where nothing else was written. `code` is shortened and fit to be shown."""

    CODE_LENGTH = 80

    site_id = models.BigIntegerField()
    actor_kind = models.CharField(max_length=10)
    actor_id = models.BigIntegerField()
    actor_name = models.CharField(max_length=120)
    terminal_id = models.BigIntegerField(null=True)
    operation_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=CODE_LENGTH)
    verdict = models.CharField(max_length=10)
    reason = models.CharField(max_length=60)
    command_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verdict__in=["good", "question", "refused", "unknown"]), name="scan_verdict"
            ),
        ]
        indexes = [models.Index(fields=["site_id", "-id"], name="scan_site")]
        triggers = append_only("scan", "OLD.occurred_at > now() - interval '30 days'")

    def __str__(self) -> str:
        return f"{self.verdict} {self.code}"


class Chore(models.Model):
    """When something that is done again and again was last done, when last well, and what came of it."""

    name = models.CharField(max_length=40, primary_key=True)
    last_at = models.DateTimeField()
    good_at = models.DateTimeField(null=True)
    is_good = models.BooleanField()
    says = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(good_at__isnull=True) | models.Q(good_at__lte=models.F("last_at")),
                name="chore_good_before_last",
            ),
            models.CheckConstraint(
                condition=models.Q(is_good=True, good_at__isnull=False) | models.Q(is_good=False),
                name="chore_good_has_time",
            ),
            models.CheckConstraint(condition=models.Q(is_good=True) | ~models.Q(says=""), name="chore_bad_says_why"),
        ]

    def __str__(self) -> str:
        return self.name
