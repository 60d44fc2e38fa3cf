"""What machines told us: samples, the states they were in, and the pieces they counted."""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models.functions import Now

from devices import states
from devices.interpretation import STATES
from devices.models.device import Tag
from mes.kernel.quantities import non_negative, quantity_field
from mes.kernel.transitions import keep_rows
from workorders.models import Operation, WorkUnit

_FACT = (
    "tag_id", "work_unit_id", "epoch", "sequence", "kind", "counts", "quantity", "is_scrap", "raw_from", "raw_to",
    "started_at", "ended_at", "in_gap", "recorded_at",
)  # fmt: skip


class TelemetrySample(models.Model):
    """One stored reading. The table is partitioned by day; the migration makes it, retention drops days."""

    pk = models.CompositePrimaryKey("tag_id", "at")
    tag = models.ForeignKey(Tag, on_delete=models.DO_NOTHING, related_name="samples", db_constraint=False)
    at = models.DateTimeField()
    value = models.FloatField(null=True)
    quality = models.PositiveSmallIntegerField()

    class Meta:
        managed = False
        db_table = "devices_telemetrysample"

    def __str__(self) -> str:
        return f"{self.tag_id} {self.at} {self.value}"


class EquipmentState(models.Model):
    """A stretch of time in which a work unit was in one state, as its machine says; the last one is open.

    UNKNOWN is no stop: nothing good was heard. `told` says whether the event of it was written.
    """

    work_unit = models.ForeignKey(WorkUnit, on_delete=models.PROTECT, related_name="equipment_states")
    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10)
    code = models.BigIntegerField(null=True)
    span = DateTimeRangeField()
    told = models.BooleanField(default=False)

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="equipment_state_one_at_a_time",
                expressions=[
                    (
                        models.Func(
                            models.F("work_unit"), models.F("work_unit"), models.Value("[]"), function="int8range"
                        ),
                        "&&",
                    ),
                    ("span", "&&"),
                ],
            ),
            models.CheckConstraint(condition=models.Q(state__in=list(STATES)), name="equipment_state_state"),
            models.CheckConstraint(
                condition=models.Q(
                    span__isempty=False, span__lower_inf=False, span__lower_inc=True, span__upper_inc=False
                ),
                name="equipment_state_span",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="equipment_state_untold", condition=models.Q(told=False)),
        ]
        triggers = [
            *keep_rows("equipment_state"),
            pgtrigger.Trigger(
                name="equipment_state_closed",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NOT upper_inf(OLD.span) AND (OLD.span, OLD.state, OLD.work_unit_id)"
                    " IS DISTINCT FROM (NEW.span, NEW.state, NEW.work_unit_id)"
                ),
                func="RAISE EXCEPTION 'a state that has ended is a fact' USING ERRCODE = 'check_violation';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.work_unit_id} {self.state} {self.span}"


class CountEvent(models.Model):
    """Counts of one counter between two readings, numbered within the lease (`epoch`) that read them.

    The fact never changes; `posting` says what became of it: the command that posted it, or why nobody could.
    """

    KINDS = ("NORMAL", "ROLLOVER", "RESET", "JUMP")

    tag = models.ForeignKey(Tag, on_delete=models.PROTECT, related_name="counts")
    work_unit = models.ForeignKey(WorkUnit, on_delete=models.PROTECT, related_name="counts")
    epoch = models.BigIntegerField()
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    counts = models.BigIntegerField()
    quantity = quantity_field()
    is_scrap = models.BooleanField(default=False)
    raw_from = models.BigIntegerField()
    raw_to = models.BigIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    in_gap = models.BooleanField(default=False)
    recorded_at = models.DateTimeField(db_default=Now())
    posting = models.CharField(max_length=10, default=states.STORED)
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, null=True, related_name="machine_counts")
    posted_command = models.UUIDField(null=True)
    refused = models.CharField(max_length=60, blank=True)
    refused_text = models.TextField(blank=True)
    settled_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tag", "epoch", "sequence"], name="count_once"),
            models.CheckConstraint(condition=models.Q(posting__in=states.POSTINGS), name="count_posting"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["NORMAL", "ROLLOVER", "RESET", "JUMP"]), name="count_kind"
            ),
            non_negative("quantity", name="count_not_negative"),
            models.CheckConstraint(
                condition=models.Q(counts=0, quantity=0) | models.Q(counts__gt=0, quantity__gt=0),
                name="count_quantity",
            ),
            models.CheckConstraint(condition=models.Q(ended_at__gte=models.F("started_at")), name="count_span"),
            models.CheckConstraint(
                condition=~models.Q(counts=0) | models.Q(posting="STORED"), name="count_of_nothing_is_stored"
            ),
            models.CheckConstraint(
                condition=models.Q(posting="POSTED", operation__isnull=False, posted_command__isnull=False)
                | (~models.Q(posting="POSTED") & models.Q(posted_command__isnull=True)),
                name="count_posted_says_where",
            ),
            models.CheckConstraint(
                condition=~models.Q(posting="UNASSIGNED") | ~models.Q(refused=""), name="count_unassigned_says_why"
            ),
            models.CheckConstraint(
                condition=~models.Q(posting="DISMISSED") | ~models.Q(settled_reason=""),
                name="count_dismissed_says_why",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="count_pending", condition=models.Q(posting="PENDING")),
            models.Index(
                fields=["work_unit", "id"],
                name="count_waiting",
                condition=models.Q(posting__in=["PROPOSED", "UNASSIGNED"]),
            ),
            models.Index(fields=["tag", "-ended_at"], name="count_recent"),
            models.Index(
                fields=["posted_command"], name="count_command", condition=models.Q(posted_command__isnull=False)
            ),
        ]
        triggers = [
            *keep_rows("count"),
            states.COUNT.guard("count_moves"),
            states.COUNT.by_command("count_by_command"),
            pgtrigger.Trigger(
                name="count_is_a_fact",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    f"ROW({', '.join(f'OLD.{name}' for name in _FACT)}) IS DISTINCT FROM"
                    f" ROW({', '.join(f'NEW.{name}' for name in _FACT)})"
                ),
                func="RAISE EXCEPTION 'what a machine counted is a fact' USING ERRCODE = 'check_violation';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tag_id} {self.epoch}/{self.sequence}: {self.quantity}"
