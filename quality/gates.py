"""What quality answers when others ask: are the mandatory checks of this operation passed?"""

from django.db import connection
from django.utils.translation import gettext as _

from mes.kernel.errors import Blocker
from quality import states
from quality.models import Inspection

#: Asked at every completion, mostly in vain: the rows are read only when there is something to say.
OPEN = "SELECT 1 FROM quality_inspection WHERE operation_id = %s AND is_mandatory AND state <> 'PASSED' LIMIT 1"


def checks_passed(*, operation_id: int, **_question: object) -> list[Blocker]:
    """One blocker per mandatory check that is due or failed."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, [operation_id])
        if cursor.fetchone() is None:
            return []
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


def nothing_measured(*, order_id: int, **_question: object) -> list[Blocker]:
    """An order with recorded values cannot be recalled: they are facts about its pieces."""
    rows = Inspection.objects.filter(operation__order_id=order_id, measurements__isnull=False).distinct()
    return [Blocker("check_recorded", _("{name} was recorded.").format(name=row.name)) for row in rows.order_by("id")]


def no_mandatory_checks(*, operation_id: int, **_question: object) -> list[Blocker]:
    """An operation with mandatory checks cannot be skipped."""
    rows = Inspection.objects.filter(operation_id=operation_id, is_mandatory=True)
    return [Blocker("check_due", _("{name} is mandatory.").format(name=row.name)) for row in rows]
