"""Who reads which group, since when and how well, and the last value of every tag."""

from django.db import models
from django.db.models.functions import Now

from devices.models.device import Device, PollGroup, Tag
from mes.kernel.transitions import keep_rows


class PollLease(models.Model):
    """The right to read a group, for a limited time. `fence` rises with every claim; only its holder may store.

    `batch` is the last batch stored under this fence, so that one sent twice is stored once.
    """

    group = models.OneToOneField(PollGroup, on_delete=models.PROTECT, primary_key=True, related_name="lease")
    owner = models.CharField(max_length=120, blank=True)
    boot = models.UUIDField(null=True)
    fence = models.BigIntegerField(default=0)
    batch = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(owner="", boot__isnull=True) | (~models.Q(owner="") & models.Q(boot__isnull=False)),
                name="lease_owner",
            )
        ]

    def __str__(self) -> str:
        return f"{self.group_id} {self.owner} {self.fence}"


class LeaseEpoch(models.Model):
    """From when to when a fence was the valid one: what its holder read within may be stored, even later."""

    group = models.ForeignKey(PollGroup, on_delete=models.PROTECT, related_name="epochs")
    fence = models.BigIntegerField()
    owner = models.CharField(max_length=120)
    claimed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["group", "fence"], name="epoch_fence"),
            models.UniqueConstraint(fields=["group"], condition=models.Q(ended_at__isnull=True), name="epoch_one_open"),
            models.CheckConstraint(
                condition=models.Q(ended_at__isnull=True) | models.Q(ended_at__gte=models.F("claimed_at")),
                name="epoch_span",
            ),
        ]
        triggers = keep_rows("lease_epoch")

    def __str__(self) -> str:
        return f"{self.group_id} {self.fence}"


class TagValue(models.Model):
    """The last reading of a tag, the last good one, and where its counting stands. A projection kept by the collector.

    `counter_raw` empty: the next good reading is a baseline.
    """

    tag = models.OneToOneField(Tag, on_delete=models.PROTECT, primary_key=True, related_name="last")
    at = models.DateTimeField()
    quality = models.PositiveSmallIntegerField()
    why = models.CharField(max_length=40, blank=True)
    value = models.FloatField(null=True)
    good_at = models.DateTimeField(null=True)
    stored_value = models.FloatField(null=True)
    stored_at = models.DateTimeField(null=True)
    counter_raw = models.BigIntegerField(null=True)
    counter_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(counter_raw__isnull=True, counter_at__isnull=True)
                | models.Q(counter_raw__gte=0, counter_at__isnull=False),
                name="tag_value_counter",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tag_id} {self.value}"


class DeviceHealth(models.Model):
    """How reading a device goes: when it was tried and answered last, and what stood in the way. For people only."""

    device = models.OneToOneField(Device, on_delete=models.PROTECT, primary_key=True, related_name="health")
    polled_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    lag_ms = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    why = models.CharField(max_length=40, blank=True)

    def __str__(self) -> str:
        return f"{self.device_id} {self.why}"
