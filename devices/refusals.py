"""Why this app says no. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "device_name_taken",
    "invalid",
    _("A device with the name {name} exists already."),
    _("Choose another name."),
)
declare(
    "work_unit_has_device",
    "invalid",
    _("{unit} is already read by the device {device}."),
    _("Choose another machine, or switch the other device off first."),
)
declare(
    "tag_cannot_be_read",
    "invalid",
    _("The tag {tag} can never be read like this: {why}."),
    _("Correct the address, the data type or the byte order."),
)
declare(
    "second_state_tag",
    "invalid",
    _("{device} already tells its state by the tag {tag}."),
    _("Switch that tag off first; a machine is in one state at a time."),
)
declare(
    "nobody_runs",
    "blocked",
    _("No job ran on {unit} when it counted {quantity}."),
    _("Assign the count to the job it belongs to, or dismiss it with a reason."),
    _("Lead or supervisor"),
)
declare(
    "several_run",
    "blocked",
    _("Several jobs ran on {unit} when it counted {quantity}: {jobs}."),
    _("Assign the count to the job it belongs to, or dismiss it with a reason."),
    _("Lead or supervisor"),
)
declare(
    "operator_counts",
    "not_allowed",
    _("At {unit} the operator counts, not the machine."),
    _("Dismiss the count, or assign it to the job it belongs to."),
    _("Lead or supervisor"),
)
declare(
    "job_is_over",
    "not_allowed",
    _("Operation {operation} ended before what the machine proposed was confirmed."),
    _("Assign the count to another job, or dismiss it with a reason."),
    _("Lead or supervisor"),
)
declare(
    "count_taken_back",
    "not_allowed",
    _("The report of this count on operation {operation} was undone."),
    _("Assign the count to the job it belongs to, or dismiss it with a reason."),
    _("Lead or supervisor"),
)
declare(
    "count_settled",
    "not_allowed",
    _("This count is {state} already."),
    _("Look at the list again."),
)
declare(
    "count_not_here",
    "invalid",
    _("Operation {operation} is not made on {unit}."),
    _("Choose a job of that work center."),
)
declare(
    "nothing_proposed",
    "not_allowed",
    _("The machine proposes nothing for operation {operation} at the moment."),
    _("Wait for the next piece, or report by hand."),
)
declare(
    "count_changed",
    "stale",
    _("The machine has counted on: it proposes {now} now, not {then}."),
    _("Look at the new figure and confirm it."),
)
declare(
    "dismiss_needs_reason",
    "invalid",
    _("Dismissing a count needs a reason."),
    _("Say in a few words why these pieces are not booked."),
)
