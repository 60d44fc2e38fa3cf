"""Where work happens and when: sites down to work units, storage locations, calendars, shifts, reasons."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import models


class Site(models.Model):
    """A plant. Every root row names its site; the site's zone rules screens and shifts, storage is UTC."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=80)
    time_zone = models.CharField(max_length=40, default="UTC")

    def __str__(self) -> str:
        return self.code

    def day_of(self, moment: datetime) -> date:
        """The plant's calendar day of MOMENT: what is printed as a last day of use ends with the plant's midnight."""
        return moment.astimezone(ZoneInfo(self.time_zone)).date()


class Area(models.Model):
    """A part of the plant, in the order in which people walk through it."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="areas")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    sequence = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "code"], name="area_code")]

    def __str__(self) -> str:
        return self.code


class ShiftCalendar(models.Model):
    """A weekly pattern of shifts, in the site's zone."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="calendars")
    code = models.CharField(max_length=20)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "code"], name="calendar_code")]

    def __str__(self) -> str:
        return self.code


class Shift(models.Model):
    """One shift of a weekday: local start, and length in minutes (it may pass midnight). It belongs to the day it
    opened.
    """

    calendar = models.ForeignKey(ShiftCalendar, on_delete=models.CASCADE, related_name="shifts")
    name = models.CharField(max_length=40)
    weekday = models.PositiveSmallIntegerField()
    starts = models.TimeField()
    minutes = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["calendar", "weekday", "starts"], name="shift_start"),
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="shift_weekday"),
            models.CheckConstraint(condition=models.Q(minutes__gt=0, minutes__lte=1440), name="shift_length"),
        ]

    def __str__(self) -> str:
        return self.name


class Holiday(models.Model):
    """A day of a calendar on which none of its shifts opens. A shift opened the day before still runs to its end."""

    calendar = models.ForeignKey(ShiftCalendar, on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField()
    name = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["calendar", "day"], name="holiday_day")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class StorageLocation(models.Model):
    """A place where material lies; a work center may have its own."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="locations")
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=80, blank=True)
    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="location_code"),
            models.UniqueConstraint(fields=["site"], condition=models.Q(is_default=True), name="location_one_default"),
        ]

    def __str__(self) -> str:
        return self.code


class WorkCenter(models.Model):
    """What orders are dispatched to: a machine, a line or a bench, in the physical order of its area."""

    OPERATOR, MACHINE, MACHINE_PROPOSES = "OPERATOR", "MACHINE", "MACHINE_PROPOSES"
    COUNT_SOURCES = (OPERATOR, MACHINE, MACHINE_PROPOSES)

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="work_centers")
    area = models.ForeignKey(Area, on_delete=models.PROTECT, related_name="work_centers", null=True)
    code = models.CharField(max_length=64)
    name = models.CharField(max_length=80)
    sequence = models.PositiveIntegerField(default=0)
    count_source = models.CharField(max_length=20, default=OPERATOR)
    calendar = models.ForeignKey(ShiftCalendar, on_delete=models.PROTECT, null=True, related_name="work_centers")
    location = models.ForeignKey(StorageLocation, on_delete=models.PROTECT, null=True, related_name="work_centers")
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="work_center_code"),
            models.CheckConstraint(
                condition=models.Q(count_source__in=["OPERATOR", "MACHINE", "MACHINE_PROPOSES"]),
                name="work_center_count_source",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class WorkUnit(models.Model):
    """One of several equal places of a work center, where a plant tells them apart."""

    work_center = models.ForeignKey(WorkCenter, on_delete=models.PROTECT, related_name="work_units")
    code = models.CharField(max_length=30)
    name = models.CharField(max_length=80, blank=True)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["work_center", "code"], name="work_unit_code")]

    def __str__(self) -> str:
        return self.code


class Reason(models.Model):
    """Why something was scrapped, held, stopped, skipped or overridden; a plant's own list."""

    KINDS = ("SCRAP", "HOLD", "DOWNTIME", "SKIP", "OVERRIDE", "INDIRECT", "ADJUST")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="reasons")
    kind = models.CharField(max_length=10)
    code = models.CharField(max_length=30)
    text = models.CharField(max_length=120)
    sequence = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "kind", "code"], name="reason_code"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["SCRAP", "HOLD", "DOWNTIME", "SKIP", "OVERRIDE", "INDIRECT", "ADJUST"]),
                name="reason_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.code
