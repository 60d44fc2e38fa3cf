"""Who worked on what, when. Entries start and stop with the run they belong to, in the same transaction."""

from django.db import models

from mes.accounts.models import User
from mes.kernel.transitions import keep_rows
from workorders.models import Operation, OperationRun


class LaborEntry(models.Model):
    """A person's time on one operation. Several may be open at once; one per operation and person."""

    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="labor")
    operation = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="labor")
    run = models.OneToOneField(OperationRun, on_delete=models.PROTECT, related_name="labor")
    kind = models.CharField(max_length=5)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    opened_by = models.UUIDField()
    closed_by = models.UUIDField(null=True)
    voided_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["operation", "person"], condition=models.Q(ended_at__isnull=True), name="labor_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("started_at")),
                name="labor_span",
            ),
            models.CheckConstraint(condition=models.Q(kind__in=["RUN", "SETUP"]), name="labor_kind"),
        ]
        indexes = [
            models.Index(fields=["person", "started_at"], name="labor_person"),
            models.Index(fields=["opened_by"], name="labor_opened_by"),
            models.Index(fields=["closed_by"], name="labor_closed_by"),
        ]
        triggers = keep_rows("labor")

    def __str__(self) -> str:
        return f"{self.person_id} {self.operation_id}"
