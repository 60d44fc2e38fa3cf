"""The end of a terminal's enrolment. How one begins is in `mes/accounts/terminals.py`."""

from uuid import UUID

from django.utils.translation import gettext as _

from mes.accounts.events import TERMINAL_REVOKED, terminal_event
from mes.accounts.models import Terminal
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.scope import current


@command
def revoke_terminal(*, actor: Actor, terminal_id: int, command_id: UUID) -> Terminal:
    """The browser is a terminal no more from its next request on; a waiting code is void. What was done there stays.

    Raises `not_found`. Revoking it again changes nothing.
    """
    rows = Terminal.objects.filter(site_id=actor.site_id, pk=terminal_id)
    revoked = rows.filter(revoked_at__isnull=True).update(revoked_at=current().now, pairing_code="", pairing_until=None)
    terminal = rows.first()
    if terminal is None:
        raise Refused("not_found", what=_("Terminal"), number=terminal_id)
    if revoked:
        terminal_event(TERMINAL_REVOKED, terminal)
    return terminal
