"""After a restore the database is older than the world: what an ERP may know already is asked for before it is told."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import connection as database
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from erp_sync import credentials, states
from erp_sync.actions.connections import locked_connection
from erp_sync.models import ErpConnection, OutboundMessage, SyncJob
from mes.kernel.actors import Actor, system
from mes.kernel.backup.restoring import Restored
from mes.kernel.commands import command
from mes.kernel.scope import current


@command
def ask_before_telling(*, actor: Actor, connection_id: int, sealed: str | None, command_id: UUID) -> ErpConnection:
    """From now on the ERP is asked about every fact before it is told, for orders finished between backup and restore.

    The system only. SEALED are the secrets under this installation's key, if they could be read. Leaves unsettled
    messages marked as possibly known there, every pull due, and no lease of a worker that is gone.
    """
    connection = locked_connection(actor, connection_id)
    connection.restored_at = current().now
    connection.failures, connection.resume_at = 0, None
    if sealed is not None:
        connection.sealed = sealed.encode()
    connection.save()
    unsettled = OutboundMessage.objects.filter(connection=connection, state__in=states.UNSETTLED)
    unsettled.update(touched=True, lease_token=None, leased_until=None)
    SyncJob.objects.filter(connection=connection).update(next_due_at=current().now, lease_token=None, leased_until=None)
    return connection


def after_restore(restored: Restored) -> Sequence[str]:
    """Registered with the kernel's restore. Returns what was done, line by line."""
    lines = []
    with database.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kernel_delivery WHERE subscriber = 'erp' AND status = 'OPEN'")
        (owed,) = cursor.fetchone()
    for connection in ErpConnection.objects.select_related("site").order_by("pk"):
        secrets, line = _resealed(connection, restored.keys)
        ask_before_telling(
            actor=system(connection.site_id, "restore"),
            connection_id=connection.pk,
            sealed=secrets,
            command_id=uuid4(),
        )
        waiting = OutboundMessage.objects.filter(connection=connection, state__in=states.UNSETTLED).count()
        lines.append(
            ngettext(
                "{name} is asked before it is told: {count} message is unsettled.",
                "{name} is asked before it is told: {count} messages are unsettled.",
                waiting,
            ).format(name=connection.name, count=waiting)
        )
        if line:
            lines.append(line)
    if lines and owed:
        lines.append(
            ngettext(
                "{count} event still becomes a message, and is asked about as well.",
                "{count} events still become messages, and are asked about as well.",
                owed,
            ).format(count=owed)
        )
    return lines


def _resealed(connection: ErpConnection, old: tuple[str, ...]) -> tuple[str | None, str]:
    """The secrets under this installation's key, and what must be told about them."""
    sealed = bytes(connection.sealed)
    try:
        credentials.unseal(sealed)
    except credentials.Unreadable:
        pass
    else:
        return None, ""
    try:
        return credentials.seal(credentials.unseal_with(sealed, old)).decode(), _(
            "The credentials of {name} were taken over with the key from the backup."
        ).format(name=connection.name)
    except credentials.Unreadable:
        return None, _(
            "The credentials of {name} cannot be read here: add the old key to MES_FIELD_KEY behind the new one, "
            "or enter them again with connect_erp --replace."
        ).format(name=connection.name)
