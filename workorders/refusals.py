"""Refusals about orders, operations and master data. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "more_than_open",
    "blocked",
    _("Operation {operation} has {open} {unit} open; {reported} were reported, and the tolerance is {percent} %."),
    _("Correct the quantity, or have the operation before report what it made."),
    _("Planning, by raising the order's over-tolerance"),
)
declare(
    "remainder_undecided",
    "invalid",
    _("{open} {unit} of operation {operation} are still open; it must be said what becomes of them."),
    _("Choose OPEN to leave them for later, SHORT to close short, or SCRAP with a reason."),
)
declare(
    "upstream_open",
    "not_allowed",
    _("An operation before {operation} is still open and may deliver more."),
    _("Suspend this operation, or complete the one before first."),
)
declare(
    "already_on_it",
    "not_allowed",
    _("{who} is already working on operation {operation}."),
    _("Go on; nothing needs to be started."),
)
declare(
    "no_open_run",
    "not_allowed",
    _("Nobody is working on operation {operation}."),
    _("Start it first."),
)
declare(
    "not_started",
    "not_allowed",
    _("Operation {operation} is {state}; material and pieces are booked only on work that was started."),
    _("Start the operation first."),
)
declare(
    "order_not_released",
    "not_allowed",
    _("Order {order} is {state}; it cannot be worked on."),
    _("Ask planning to release it."),
    _("Planner or supervisor, by releasing the order"),
)
declare(
    "not_ready_for_release",
    "blocked",
    _("Order {order} cannot be released: {first}"),
    _("Complete the master data or lift the hold, then release again."),
    _("Planner"),
)
declare(
    "on_hold",
    "blocked",
    _("{what} is on hold: {why}."),
    _("Wait until the hold is lifted, or work on something else."),
    _("Whoever placed the hold; a quality hold only quality"),
)
declare(
    "hold_not_yours",
    "forbidden",
    _("This hold was placed by quality; only quality may lift it."),
    _("Ask the quality engineer."),
    _("Quality engineer"),
)
declare(
    "hold_of_another",
    "forbidden",
    _("{name} placed this hold; you may lift only your own."),
    _("Ask {name}, or a lead or supervisor."),
    _("Lead, supervisor, planner or quality engineer"),
)
declare(
    "reason_needed",
    "invalid",
    _("A reason is needed for {what}."),
    _("Choose one of: {choices}."),
)
declare(
    "reason_unknown",
    "invalid",
    _("The reason {code} is not on the plant's list."),
    _("Choose one of: {choices}."),
)
declare(
    "nothing_reported",
    "invalid",
    _("Nothing was reported: good, scrap and rework are all zero."),
    _("Enter at least one quantity."),
)
declare(
    "unit_mismatch",
    "invalid",
    _("{from_unit} cannot be converted to {to_unit} for {item}."),
    _("Use the item's unit, or have planning add the conversion."),
)
declare(
    "conversion_vanishes",
    "invalid",
    _("{quantity} {from_unit} are less than the smallest quantity of {to_unit}."),
    _("Enter a larger quantity."),
)
declare(
    "order_has_facts",
    "not_allowed",
    _("Order {order} has already been worked on."),
    _("Undo what was recorded, or cancel the order with a decision on its pieces."),
)
declare(
    "wip_undecided",
    "invalid",
    _("Order {order} has pieces in process; it must be said what becomes of them."),
    _("Cancel with wip SCRAP or STOCK."),
)
declare(
    "operation_not_skippable",
    "not_allowed",
    _("Operation {operation} carries a mandatory check and cannot be skipped."),
    _("Record the check and complete the operation."),
)
declare(
    "split_too_large",
    "blocked",
    _("Only {open} {unit} of order {order} can be split off; the rest has been worked on."),
    _("Enter a smaller quantity."),
)
declare(
    "close_unconfirmed",
    "blocked",
    _("The ERP has not confirmed order {order} yet."),
    _("Wait for the message, or retry it at Connections."),
    _("ERP administrator, by settling the message"),
)
declare(
    "same_place",
    "invalid",
    _("Order {order} stands there already."),
    _("Choose another place."),
)
declare(
    "nothing_to_change",
    "invalid",
    _("The request asks for nothing that order {order} does not have already."),
    _("Enter another quantity, need date, priority, tolerance or customer order."),
)
declare(
    "change_decided",
    "not_allowed",
    _("This change was decided before: {state} by {who}."),
    _("Ask for a new change."),
)
declare(
    "change_outdated",
    "not_allowed",
    _("{field} of order {order} was changed otherwise since this was asked for."),
    _("Reject the request, and ask for the change anew."),
)
declare(
    "change_too_small",
    "blocked",
    _("Order {order} cannot become smaller than {least} {unit}: the other pieces are being made or are made."),
    _("Ask for at least {least} {unit}, or complete the first operation short."),
)
declare(
    "order_not_closed",
    "not_allowed",
    _("Order {order} is {state}; only a CLOSED order is corrected."),
    _("Undo what was recorded wrongly, or report what is missing."),
)
declare(
    "correction_below_zero",
    "invalid",
    _("With this correction operation {operation} would have made less than nothing; it made {made} {unit}."),
    _("Enter a smaller difference."),
)
declare(
    "code_taken",
    "invalid",
    _("{what} {code} exists already."),
    _("Choose another code, or change the one there is."),
)
declare(
    "still_in_use",
    "not_allowed",
    _("{what} {code} is still in use: {where}."),
    _("End that use first, then try again."),
)
declare(
    "shifts_overlap",
    "invalid",
    _("{shift} would overlap with {other} of calendar {calendar}."),
    _("Change its begin or its length, or change the other shift first."),
)
declare(
    "version_used",
    "not_allowed",
    _("Version {version} of {item} was used by a released order and never changes."),
    _("Give the changed one another version."),
)
