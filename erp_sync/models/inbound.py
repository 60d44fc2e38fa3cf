"""What an ERP has told us, word for word, and which row of ours each of its records became."""

from django.db import models
from django.db.models.functions import Now

from erp_sync.models.connection import ErpConnection, SyncRun
from mes.kernel.transitions import keep_rows


class InboundRecord(models.Model):
    """One revision of one record of the ERP, stored before anybody interpreted it.

    PARKED says in `reason` what is missing, and is tried again; SUPERSEDED had a newer revision when its turn came;
    SET_ASIDE was by a person, who said why, and is tried no more.
    """

    NEW, APPLIED, PARKED, SUPERSEDED, SET_ASIDE = "NEW", "APPLIED", "PARKED", "SUPERSEDED", "SET_ASIDE"

    connection = models.ForeignKey(ErpConnection, on_delete=models.PROTECT, related_name="inbound")
    entity = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    modified_at = models.DateTimeField()
    body = models.JSONField()
    run = models.ForeignKey(SyncRun, on_delete=models.PROTECT, null=True, related_name="records")
    received_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, default=NEW)
    outcome = models.CharField(max_length=10, blank=True)
    reason = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "entity", "key", "digest"], name="inbound_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["NEW", "APPLIED", "PARKED", "SUPERSEDED", "SET_ASIDE"]),
                name="inbound_state",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["PARKED", "SET_ASIDE"]) | ~models.Q(reason=""), name="inbound_says_why"
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "entity", "modified_at"],
                name="inbound_open",
                condition=models.Q(state__in=["NEW", "PARKED"]),
            ),
            models.Index(fields=["run"], name="inbound_run"),
        ]
        triggers = keep_rows(
            "inbound", "OLD.state IN ('NEW', 'PARKED') OR OLD.received_at > now() - interval '90 days'"
        )

    def __str__(self) -> str:
        return f"{self.entity} {self.key}"


class ExternalRef(models.Model):
    """Which row of ours stands for a record of the ERP, and which revision of it we hold. The two go one to one."""

    connection = models.ForeignKey(ErpConnection, on_delete=models.PROTECT, related_name="refs")
    entity = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    local_id = models.BigIntegerField(null=True)
    code = models.CharField(max_length=120)
    modified_at = models.DateTimeField()
    digest = models.CharField(max_length=64)
    revision = models.CharField(max_length=64, blank=True)
    facts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "entity", "key"], name="external_ref_once"),
            models.UniqueConstraint(fields=["connection", "entity", "local_id"], name="external_ref_local"),
        ]
        triggers = keep_rows("external_ref")

    def __str__(self) -> str:
        return f"{self.entity} {self.key} = {self.code}"
