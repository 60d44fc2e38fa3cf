"""What may become of a machine's count on its way to a job. The database checks the same table."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.transitions import Machine

STORED, PENDING, PROPOSED, POSTED, UNASSIGNED, DISMISSED = (
    "STORED",
    "PENDING",
    "PROPOSED",
    "POSTED",
    "UNASSIGNED",
    "DISMISSED",
)

#: STORED is only kept: the operator counts there, or nothing was counted. PENDING is on its way to the running job;
#: PROPOSED waits for the operator's word; UNASSIGNED for a lead's, because no job could take it.
COUNT = Machine(
    _("Machine count"),
    {
        (PENDING, "post"): POSTED,
        (PENDING, "propose"): PROPOSED,
        (PENDING, "set aside"): UNASSIGNED,
        (PROPOSED, "accept"): POSTED,
        (PROPOSED, "set aside"): UNASSIGNED,
        (PROPOSED, "dismiss"): DISMISSED,
        (UNASSIGNED, "assign"): POSTED,
        (UNASSIGNED, "dismiss"): DISMISSED,
        (POSTED, "take back"): UNASSIGNED,
    },
    field="posting",
)
POSTINGS = (STORED, *COUNT.states)
