"""What may become of a message to an ERP, and of a connection. The database checks the same tables."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.transitions import Machine

PENDING, POSTED, PARKED, CANCELLED, SKIPPED = "PENDING", "POSTED", "PARKED", "CANCELLED", "SKIPPED"
ACTIVE, PAUSED, STOPPED = "ACTIVE", "PAUSED", "STOPPED"

#: PARKED waits for a person; CANCELLED was undone here before it was told; SKIPPED was settled by hand.
MESSAGE = Machine(
    _("Message"),
    {
        (PENDING, "post"): POSTED,
        (PENDING, "park"): PARKED,
        (PENDING, "cancel"): CANCELLED,
        (PARKED, "retry"): PENDING,
        (PARKED, "cancel"): CANCELLED,
        (PARKED, "skip"): SKIPPED,
        (POSTED, "post again"): PENDING,
    },
)

#: STOPPED by the system, because only a person can help; PAUSED by a person.
CONNECTION = Machine(
    _("Connection"),
    {
        (ACTIVE, "stop"): STOPPED,
        (ACTIVE, "pause"): PAUSED,
        (PAUSED, "resume"): ACTIVE,
        (STOPPED, "resume"): ACTIVE,
        (STOPPED, "pause"): PAUSED,
    },
)

UNSETTLED = (PENDING, PARKED)
