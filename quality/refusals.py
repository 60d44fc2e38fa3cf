"""Refusals about checks and gauges. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "checks_open",
    "blocked",
    _("Operation {operation} has checks that are missing or failed: {first}"),
    _("Record the missing values; a failed one must be measured again and pass."),
    _("Quality engineer"),
)
declare("check_unknown", "not_found", _("Operation {operation} has no check {code}."), _("Choose one of: {choices}."))
declare("gauge_needed", "invalid", _("Check {code} needs the gauge it is measured with."), _("Scan the gauge first."))
declare("gauge_unknown", "invalid", _("Gauge {code} is not known."), _("Scan the label of a gauge of this plant."))
declare(
    "gauge_expired",
    "blocked",
    _("The calibration of gauge {code} ended on {date}."),
    _("Use another gauge, and send this one to calibration."),
    _("Quality engineer"),
)
