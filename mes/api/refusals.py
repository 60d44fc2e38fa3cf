"""Refusals that only an HTTP caller can meet. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "key_missing",
    "unparseable",
    _("The header Idempotency-Key is missing or is no UUID."),
    _("Make a UUID for each act, send it as Idempotency-Key, and repeat it when the same request is sent again."),
)
declare(
    "too_large",
    "unparseable",
    _("The request is larger than {megabytes} megabytes."),
    _("Send the list in several requests, each with a key of its own."),
)
declare(
    "no_such_address",
    "not_found",
    _("Nothing is at {path}."),
    _("Read the addresses in /api/v1/openapi.json."),
)
declare(
    "method_not_allowed",
    "not_allowed",
    _("{method} is not possible at {path}."),
    _("Possible here: {allowed}."),
)
declare(
    "row_rejected",
    "invalid",
    _("{first}"),
    _("Correct the values and send them again."),
)
declare(
    "hold_unclear",
    "invalid",
    _("{what} has several open holds."),
    _("Name the hold: one of the choices."),
)
declare(
    "terminal_unknown",
    "invalid",
    _("Terminal {terminal} is not enrolled here."),
    _("Send the name or the id of an enrolled terminal, or leave it out."),
)
declare(
    "failed",
    "internal",
    _("Something failed inside; it was recorded as {reference}."),
    _("Send the same request with the same key again later; if it stays, give the reference to an administrator."),
)
