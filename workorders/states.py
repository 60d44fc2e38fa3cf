"""The transition tables of this app: orders, operations, change requests. The database checks the same tables."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.transitions import Machine

RECEIVED, PLANNED, RELEASED, DONE, CLOSED, CANCELLED = "RECEIVED", "PLANNED", "RELEASED", "DONE", "CLOSED", "CANCELLED"
WAITING, READY, SETUP, RUNNING = "WAITING", "READY", "SETUP", "RUNNING"
SUSPENDED, COMPLETED, SKIPPED = "SUSPENDED", "COMPLETED", "SKIPPED"

ORDER = Machine(
    _("Order"),
    {
        (RECEIVED, "validate"): PLANNED,
        (PLANNED, "invalidate"): RECEIVED,
        (PLANNED, "release"): RELEASED,
        (RELEASED, "recall"): PLANNED,
        (RELEASED, "run"): RUNNING,
        (RUNNING, "finish"): DONE,
        (DONE, "reopen"): RUNNING,
        (DONE, "close"): CLOSED,
        (RECEIVED, "cancel"): CANCELLED,
        (PLANNED, "cancel"): CANCELLED,
        (RELEASED, "cancel"): CANCELLED,
        (RUNNING, "cancel"): CANCELLED,
    },
    undo_edges=[(RUNNING, RELEASED), (DONE, RUNNING)],
)

OPERATION = Machine(
    _("Operation"),
    {
        (WAITING, "arrive"): READY,
        (READY, "set up"): SETUP,
        (SUSPENDED, "set up"): SETUP,
        (READY, "start"): RUNNING,
        (SETUP, "start"): RUNNING,
        (SUSPENDED, "start"): RUNNING,
        (SETUP, "suspend"): SUSPENDED,
        (RUNNING, "suspend"): SUSPENDED,
        (RUNNING, "complete"): COMPLETED,
        (SUSPENDED, "complete"): COMPLETED,
        (COMPLETED, "reopen"): SUSPENDED,
        (WAITING, "skip"): SKIPPED,
        (READY, "skip"): SKIPPED,
        (SKIPPED, "unskip"): READY,
        (WAITING, "cancel"): CANCELLED,
        (READY, "cancel"): CANCELLED,
        (SETUP, "cancel"): CANCELLED,
        (RUNNING, "cancel"): CANCELLED,
        (SUSPENDED, "cancel"): CANCELLED,
        (SKIPPED, "cancel"): CANCELLED,
    },
    undo_edges=[
        (READY, WAITING),
        (SETUP, READY),
        (RUNNING, READY),
        (SETUP, SUSPENDED),
        (RUNNING, SUSPENDED),
        (RUNNING, SETUP),
        (SKIPPED, WAITING),
        (SUSPENDED, RUNNING),
        (SUSPENDED, SETUP),
    ],
)

REQUESTED, APPLIED, REJECTED = "REQUESTED", "APPLIED", "REJECTED"

CHANGE = Machine(_("Change request"), {(REQUESTED, "apply"): APPLIED, (REQUESTED, "reject"): REJECTED})

OPEN_ORDERS = (RECEIVED, PLANNED, RELEASED, RUNNING)
LIVE_OPERATIONS = (WAITING, READY, SETUP, RUNNING, SUSPENDED)
SETTLED_OPERATIONS = (COMPLETED, SKIPPED, CANCELLED)
