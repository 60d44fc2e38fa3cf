"""Refusals about starting and undoing. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "blocked_start",
    "blocked",
    _("Operation {operation} cannot be started: {first}"),
    _("Clear what stands in the way, or take the next job."),
    _("Supervisor"),
)
declare(
    "undo_unknown",
    "not_found",
    _("The command {number} is not known here."),
    _("Choose an act from the list of what was done."),
)
declare(
    "not_undoable",
    "not_allowed",
    _("“{command}” cannot be undone; it is answered by its own action."),
    _("Use hold, recall, cancel, a new measurement or a correction instead."),
)
declare("already_undone", "not_allowed", _("This was undone already."), _("Nothing is left to undo."))
declare(
    "undo_not_yours",
    "forbidden",
    _("This was done by {who}, or in an earlier shift."),
    _("Ask a lead or supervisor to undo it."),
    _("Lead or supervisor, with a reason"),
)
declare(
    "undo_needs_reason", "invalid", _("Undoing what somebody else did needs a reason."), _("Say why, in a few words.")
)
declare(
    "undo_depends",
    "blocked",
    _("Something later depends on it: {fact}"),
    _("Undo the later act first, newest first."),
    _("Supervisor, by undoing the later acts"),
)
declare(
    "undo_after_close",
    "not_allowed",
    _("Order {order} is {state}; what was recorded for it is settled."),
    _("Ask the supervisor for a correction record."),
)
declare(
    "nothing_to_undo",
    "not_allowed",
    _("Nothing of yours on operation {operation} can be taken back."),
    _("Ask a lead or supervisor, or choose the act from the list of what was done."),
)
declare(
    "paper_times",
    "invalid",
    _("The hour must have ended after it began, and not after now."),
    _("Enter both times as they stand on the sheet."),
)
declare(
    "paper_person",
    "invalid",
    _("This person is not known here."),
    _("Choose whose hour it was."),
)
