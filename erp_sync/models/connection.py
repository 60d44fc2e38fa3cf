"""With which ERP we talk, what is fetched from it how often, and how each fetching went."""

from typing import Any

import pghistory
from django.db import models
from django.db.models.functions import Now

from erp_sync import credentials, states
from erp_sync.messages import Entity
from mes.kernel.transitions import keep_rows
from workorders.models import Site


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    fields=["name", "adapter", "settings", "state", "state_reason", "auto_release", "number_prefix"],
    context_field=pghistory.ContextJSONField(),
    append_only=True,
)
class ErpConnection(models.Model):
    """One ERP as one site sees it. Secrets are kept encrypted and only ever written; they are never shown again.

    `failures` and `resume_at` are the breaker: while `resume_at` lies ahead nobody talks to the ERP. With `restored_at`
    this database was once restored from a backup: the ERP may know more than we do, and is asked before it is told.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="erp_connections")
    name = models.CharField(max_length=60)
    adapter = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)
    sealed = models.BinaryField(default=b"")
    state = models.CharField(max_length=10, default=states.ACTIVE)
    state_reason = models.TextField(blank=True)
    auto_release = models.BooleanField(default=True)
    number_prefix = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    failures = models.PositiveIntegerField(default=0)
    resume_at = models.DateTimeField(null=True)
    last_in_at = models.DateTimeField(null=True)
    last_out_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True)
    restored_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="connection_name"),
            states.CONNECTION.check("connection_state"),
            models.CheckConstraint(
                condition=~models.Q(state=states.STOPPED) | ~models.Q(state_reason=""),
                name="connection_stopped_says_why",
            ),
        ]
        triggers = [states.CONNECTION.guard("connection_moves"), *keep_rows("connection")]

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<ErpConnection {self.pk} {self.name!r} {self.adapter}>"

    def all_settings(self) -> dict[str, Any]:
        """For the adapter alone. Raises `credentials.Unreadable`."""
        return {**self.settings, **credentials.unseal(bytes(self.sealed))}


class SyncJob(models.Model):
    """What is pulled, how often, and up to where. The lease is the right to pull; who lost it changes nothing more."""

    connection = models.ForeignKey(ErpConnection, on_delete=models.PROTECT, related_name="jobs")
    entity = models.CharField(max_length=20, choices=[(entity.value, entity.value) for entity in Entity])
    interval_seconds = models.PositiveIntegerField()
    next_due_at = models.DateTimeField(db_default=Now())
    cursor = models.JSONField(default=dict)
    lease_token = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "entity"], name="sync_job_once"),
            models.CheckConstraint(condition=models.Q(interval_seconds__gt=0), name="sync_job_interval"),
            models.CheckConstraint(
                condition=models.Q(lease_token__isnull=True, leased_until__isnull=True)
                | models.Q(lease_token__isnull=False, leased_until__isnull=False),
                name="sync_job_lease",
            ),
        ]
        indexes = [models.Index(fields=["next_due_at"], name="sync_job_due")]

    def __str__(self) -> str:
        return f"{self.connection} {self.entity}"


class SyncRun(models.Model):
    """One pull of one entity: from where to where, how many of what, how it ended."""

    RUNNING, GOOD, FAILED = "RUNNING", "GOOD", "FAILED"

    job = models.ForeignKey(SyncJob, on_delete=models.PROTECT, related_name="runs")
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, default=RUNNING)
    read = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    parked = models.PositiveIntegerField(default=0)
    cursor_from = models.JSONField(default=dict)
    cursor_to = models.JSONField(default=dict)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(outcome__in=["RUNNING", "GOOD", "FAILED"]), name="run_outcome"),
            models.CheckConstraint(
                condition=models.Q(outcome="RUNNING") | models.Q(ended_at__isnull=False), name="sync_run_ended"
            ),
            models.CheckConstraint(condition=~models.Q(outcome="FAILED") | ~models.Q(error=""), name="run_says_why"),
        ]
        indexes = [models.Index(fields=["job", "-started_at"], name="sync_run_recent")]

    def __str__(self) -> str:
        return f"{self.job} {self.started_at:%Y-%m-%d %H:%M}"
