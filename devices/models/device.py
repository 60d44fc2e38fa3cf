"""Which machines are read: groups that one collector reads, devices, and the tags of each."""

from django.db import models
from django.db.models.functions import Now

from devices.interpretation import COUNT, IGNORE
from mes.kernel.quantities import positive, quantity_field
from mes.kernel.transitions import keep_rows
from workorders.models import Reason, Site, WorkUnit


class PollGroup(models.Model):
    """Devices that one collector reads together. Devices behind one address never part: the address has one line."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="poll_groups")

    class Meta:
        triggers = keep_rows("poll_group")

    def __str__(self) -> str:
        return f"group {self.pk}"


class Device(models.Model):
    """One machine as it is reached: a unit id at a host and port. `version` rises with every change of what is read."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="devices")
    group = models.ForeignKey(PollGroup, on_delete=models.PROTECT, related_name="devices")
    work_unit = models.ForeignKey(WorkUnit, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(max_length=60)
    driver = models.CharField(max_length=40)
    host = models.CharField(max_length=120)
    port = models.PositiveIntegerField(default=502)
    unit = models.PositiveIntegerField(default=1)
    interval_ms = models.PositiveIntegerField(default=1000)
    timeout_ms = models.PositiveIntegerField(default=1000)
    max_registers = models.PositiveIntegerField(default=125)
    max_gap = models.PositiveIntegerField(default=16)
    stale_seconds = models.PositiveIntegerField(default=10)
    is_active = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="device_name"),
            models.UniqueConstraint(
                fields=["work_unit"], condition=models.Q(is_active=True), name="device_one_per_work_unit"
            ),
            models.CheckConstraint(condition=models.Q(port__gte=1, port__lte=65535), name="device_port"),
            models.CheckConstraint(condition=models.Q(unit__lte=255), name="device_unit"),
            models.CheckConstraint(
                condition=models.Q(interval_ms__gte=100, interval_ms__lte=3_600_000), name="device_interval"
            ),
            models.CheckConstraint(
                condition=models.Q(timeout_ms__gte=50, timeout_ms__lte=30_000), name="device_timeout"
            ),
            models.CheckConstraint(
                condition=models.Q(max_registers__gte=1, max_registers__lte=125), name="device_max_registers"
            ),
            models.CheckConstraint(condition=models.Q(stale_seconds__gte=1), name="device_stale"),
        ]
        triggers = keep_rows("device")

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """One value of a device: where it lies, how it becomes a number, and what the number means."""

    STATE, GOOD, SCRAP, VALUE = "STATE", "GOOD", "SCRAP", "VALUE"
    ROLES = (STATE, GOOD, SCRAP, VALUE)
    COUNTERS = (GOOD, SCRAP)
    COUNTER_TYPES = ("UINT16", "UINT32")
    STATE_TYPES = ("BOOL", "INT16", "UINT16", "INT32", "UINT32")

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="tags")
    name = models.CharField(max_length=60)
    role = models.CharField(max_length=10)
    table = models.CharField(max_length=10, default="HOLDING")
    address = models.PositiveIntegerField()
    data_type = models.CharField(max_length=10, default="UINT16")
    byte_order = models.CharField(max_length=4, default="ABCD")
    bit = models.PositiveSmallIntegerField(null=True)
    scale = models.FloatField(default=1)
    offset = models.FloatField(default=0)
    unit_text = models.CharField(max_length=20, blank=True)
    dead_band = models.FloatField(default=0)
    longest_seconds = models.PositiveIntegerField(default=600)
    state_codes = models.JSONField(default=dict)
    min_run_seconds = models.FloatField(default=0)
    pieces_per_count = quantity_field(default=1)
    max_rate = models.FloatField(null=True)
    on_reset = models.CharField(max_length=10, default=COUNT)
    scrap_reason = models.ForeignKey(Reason, on_delete=models.PROTECT, null=True, related_name="+")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "name"], name="tag_name"),
            models.UniqueConstraint(
                fields=["device"], condition=models.Q(role="STATE", is_active=True), name="tag_one_state"
            ),
            models.CheckConstraint(condition=models.Q(role__in=["STATE", "GOOD", "SCRAP", "VALUE"]), name="tag_role"),
            models.CheckConstraint(
                condition=~models.Q(role__in=["GOOD", "SCRAP"]) | models.Q(data_type__in=["UINT16", "UINT32"]),
                name="tag_counter_type",
            ),
            models.CheckConstraint(
                condition=~models.Q(role="SCRAP") | models.Q(scrap_reason__isnull=False), name="tag_scrap_has_reason"
            ),
            models.CheckConstraint(condition=models.Q(on_reset__in=[COUNT, IGNORE]), name="tag_on_reset"),
            models.CheckConstraint(
                condition=models.Q(byte_order__in=["ABCD", "CDAB", "BADC", "DCBA"]), name="tag_byte_order"
            ),
            positive("pieces_per_count", "tag_pieces"),
            # The upper bounds refuse NaN, which PostgreSQL sorts above every number.
            models.CheckConstraint(
                condition=models.Q(max_rate__isnull=True) | models.Q(max_rate__gt=0, max_rate__lt=1e9),
                name="tag_max_rate",
            ),
            models.CheckConstraint(
                condition=models.Q(scale__gt=-1e12, scale__lt=1e12, offset__gt=-1e12, offset__lt=1e12)
                & models.Q(dead_band__gte=0, dead_band__lt=1e12, min_run_seconds__gte=0, min_run_seconds__lt=1e6),
                name="tag_numbers",
            ),
            models.CheckConstraint(condition=models.Q(address__lte=65535), name="tag_address"),
        ]
        triggers = keep_rows("tag")

    def __str__(self) -> str:
        return self.name
