"""The tables of this app, by noun. Import them from here."""

from quality.models.plans import Characteristic, Gauge, InspectionPlan
from quality.models.results import Inspection, Measurement

__all__ = ["Characteristic", "Gauge", "Inspection", "InspectionPlan", "Measurement"]
