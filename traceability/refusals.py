"""Refusals about lots and material. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "not_a_component",
    "blocked",
    _("{item} is not a component of operation {operation}."),
    _("Scan a lot of: {choices}."),
    _("Quality or supervisor, by changing the order's materials"),
)
declare(
    "lot_on_hold",
    "blocked",
    _("Lot {lot} is on hold: {why}."),
    _("Use another lot, and put this one aside."),
    _("Quality engineer"),
)
declare(
    "lot_expired",
    "blocked",
    _("Lot {lot} expired on {date}."),
    _("Use another lot, and put this one aside."),
    _("Quality engineer"),
)
declare(
    "lot_not_available",
    "blocked",
    _("Lot {lot} is {state}; material is drawn only from lots that are available."),
    _("Use another lot."),
)
declare(
    "lot_short",
    "blocked",
    _("Lot {lot} has {balance} {unit} at {location}; {quantity} were asked for."),
    _("Use what is there and scan another lot for the rest."),
)
declare(
    "lot_ambiguous",
    "invalid",
    _("Lot number {lot} exists for several items."),
    _("Name the item too: one of the choices."),
)
declare(
    "location_ambiguous",
    "invalid",
    _("Lot {lot} lies at several locations."),
    _("Name the location: one of the choices."),
)
declare("location_unknown", "invalid", _("Location {location} is not known."), _("Use a location of this plant."))
declare(
    "lot_needed",
    "invalid",
    _("{item} is tracked by lot; a lot must be named."),
    _("Scan the lot's label."),
)
declare(
    "genealogy_cycle",
    "blocked",
    _("Lot {source} contains material of lot {target}; it cannot go back into it."),
    _("Check the label: a lot cannot be made of itself."),
)
declare(
    "lot_made_elsewhere",
    "blocked",
    _("Lot {lot} is not made at operation {operation}."),
    _("Report into a lot of this operation, or leave the lot empty for a new one."),
)
declare(
    "adjust_below_zero",
    "blocked",
    _("Lot {lot} has only {balance} {unit} at {location}."),
    _("Count again, or choose the right location."),
)
declare(
    "lot_has_stock",
    "blocked",
    _("Lot {lot} still has {balance} {unit}."),
    _("Use it up or adjust it before closing."),
)
