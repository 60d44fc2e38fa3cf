"""The transition table of inspections. The database checks the same table."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.transitions import Machine

DUE, PASSED, FAILED = "DUE", "PASSED", "FAILED"

#: A new value may turn a failed check into a passed one and back; every value is kept.
INSPECTION = Machine(
    _("Inspection"),
    {
        (DUE, "pass"): PASSED,
        (DUE, "fail"): FAILED,
        (FAILED, "pass"): PASSED,
        (FAILED, "fail"): FAILED,
        (PASSED, "fail"): FAILED,
        (PASSED, "pass"): PASSED,
    },
)
