"""What quality answers when others ask: are the mandatory checks of this operation passed?"""

from django.utils.translation import gettext as _

from mes.kernel.errors import Blocker
from quality import states
from quality.models import Inspection


def checks_passed(*, operation_id: int, **_question: object) -> list[Blocker]:
    """One blocker per mandatory check that is due or failed."""
    rows = Inspection.objects.filter(operation_id=operation_id, is_mandatory=True).exclude(state=states.PASSED)
    return [
        Blocker(
            "check_failed" if row.state == states.FAILED else "check_due",
            (_("{name} failed.") if row.state == states.FAILED else _("{name} is still to be recorded.")).format(
                name=row.name
            ),
        )
        for row in rows.order_by("sequence", "id")
    ]


def no_mandatory_checks(*, operation_id: int, **_question: object) -> list[Blocker]:
    """An operation with mandatory checks cannot be skipped."""
    rows = Inspection.objects.filter(operation_id=operation_id, is_mandatory=True)
    return [Blocker("check_due", _("{name} is mandatory.").format(name=row.name)) for row in rows]
