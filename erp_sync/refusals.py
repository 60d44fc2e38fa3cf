"""Why this app says no. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "connection_settings",
    "invalid",
    _("The connection cannot work with these settings: {why}"),
    _("Correct the settings and try again."),
)
declare(
    "message_in_flight",
    "busy",
    _("The message about order {order} is being sent right now."),
    _("Wait a minute and look again."),
)
declare(
    "skip_needs_reason",
    "invalid",
    _("Skipping a message needs a reason."),
    _("Say how the ERP was put right by hand."),
)
declare(
    "record_not_parked",
    "not_allowed",
    _("Record {record} waits for nothing any more."),
    _("Look at it again: it was applied, replaced or set aside meanwhile."),
)
declare(
    "prefix_in_use",
    "not_allowed",
    _("Orders of {connection} stand here under its prefix already."),
    _("Leave the prefix as it is; a connection of another prefix is a new one."),
)
