"""The transition table of material lots. The database checks the same table."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.transitions import Machine

PLANNED, IN_PROCESS, AVAILABLE, CLOSED = "PLANNED", "IN_PROCESS", "AVAILABLE", "CLOSED"

LOT = Machine(
    _("Lot"),
    {
        (PLANNED, "first output"): IN_PROCESS,
        (PLANNED, "receive"): AVAILABLE,
        (IN_PROCESS, "finish"): AVAILABLE,
        (AVAILABLE, "close"): CLOSED,
        (CLOSED, "reopen"): AVAILABLE,
    },
    undo_edges=[(AVAILABLE, IN_PROCESS), (IN_PROCESS, PLANNED), (AVAILABLE, CLOSED)],
)
