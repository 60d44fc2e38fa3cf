"""What is made from what: items, units and their exact conversions, bills of materials."""

from django.db import models

from mes.kernel.quantities import positive, quantity_field
from workorders.models.plant import Site


class UnitOfMeasure(models.Model):
    """A unit with the decimals it takes; `decimals` 0 means whole pieces. Units are the same at every site."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=60, blank=True)
    decimals = models.PositiveSmallIntegerField(default=3)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(decimals__lte=6), name="unit_decimals")]

    def __str__(self) -> str:
        return self.code


class Item(models.Model):
    """What ISA-95 calls a material definition: a part, a component or a raw material."""

    NONE, LOT, SERIAL = "NONE", "LOT", "SERIAL"
    TRACKING = (NONE, LOT, SERIAL)

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="items")
    code = models.CharField(max_length=64)
    name = models.CharField(max_length=120)
    unit = models.ForeignKey(UnitOfMeasure, on_delete=models.PROTECT, related_name="items")
    tracking = models.CharField(max_length=10, default=NONE)
    over_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    #: A phantom is never made or stocked: where a bill names it, its own bill's lines are meant.
    is_phantom = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "code"], name="item_code"),
            models.CheckConstraint(condition=models.Q(tracking__in=["NONE", "LOT", "SERIAL"]), name="item_tracking"),
            models.CheckConstraint(
                condition=models.Q(over_percent__gte=0, over_percent__lte=100), name="item_over_percent"
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_tracked(self) -> bool:
        return self.tracking != Item.NONE


class UnitConversion(models.Model):
    """ONE from-unit is numerator/denominator to-units, exactly; for one item, or for all when no item is named."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, null=True, related_name="conversions")
    from_unit = models.ForeignKey(UnitOfMeasure, on_delete=models.PROTECT, related_name="+")
    to_unit = models.ForeignKey(UnitOfMeasure, on_delete=models.PROTECT, related_name="+")
    numerator = models.BigIntegerField()
    denominator = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["item", "from_unit", "to_unit"], name="conversion_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=models.Q(numerator__gt=0, denominator__gt=0), name="conversion_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.from_unit} → {self.to_unit}"


class BillOfMaterials(models.Model):
    """One version of what an item is made of. Orders freeze a copy at release, so a version may be replaced freely."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="boms")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="boms")
    version = models.CharField(max_length=30)
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "version"], name="bom_version")]

    def __str__(self) -> str:
        return f"{self.item} {self.version}"


class BomLine(models.Model):
    """One component per unit of the product, drawn at the operation with this sequence (else at the first)."""

    bom = models.ForeignKey(BillOfMaterials, on_delete=models.CASCADE, related_name="lines")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="used_in")
    quantity_per = quantity_field()
    unit = models.ForeignKey(UnitOfMeasure, on_delete=models.PROTECT, related_name="+")
    operation = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            positive("quantity_per", "bom_line_positive"),
            models.UniqueConstraint(fields=["bom", "item", "operation"], name="bom_line_once", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"{self.bom} {self.item}"
