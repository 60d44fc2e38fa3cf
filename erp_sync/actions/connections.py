"""Connections made, paused, resumed and given other credentials by people; stopped and held back by the system."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.utils.translation import gettext as _

from erp_sync import credentials, states
from erp_sync.adapters.registry import UnknownAdapter, adapter_class
from erp_sync.messages import Entity
from erp_sync.models import ErpConnection, SyncJob
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.scope import current

USUAL_INTERVAL = 900
SHORTEST, LONGEST = 10, 24 * 3600


@command
def connect_erp(
    *,
    actor: Actor,
    name: str,
    adapter: str,
    settings: dict[str, Any],
    sealed: str,
    auto_release: bool = True,
    number_prefix: str = "",
    command_id: UUID,
) -> ErpConnection:
    """Make a connection with a job for everything its adapter can pull. SEALED are the encrypted secret settings.

    Leaves an active connection whose jobs are due at once. Raises `connection_settings`, `invalid`.
    """
    name, number_prefix = _checked_name(actor, name, None), _checked_prefix(number_prefix)
    kind = checked_adapter(adapter, settings, sealed)
    made = ErpConnection.objects.create(
        site_id=actor.site_id,
        name=name,
        adapter=adapter,
        settings=settings,
        sealed=sealed.encode(),
        auto_release=auto_release,
        number_prefix=number_prefix,
    )
    SyncJob.objects.bulk_create(
        SyncJob(connection=made, entity=entity, interval_seconds=kind.intervals.get(entity, USUAL_INTERVAL))
        for entity in Entity
        if entity in kind.capabilities.pull
    )
    return made


def _checked_name(actor: Actor, name: str, own_id: int | None) -> str:
    name = name.strip()
    if not name or len(name) > 60 or not name.isprintable():
        raise Refused("invalid", field="name", why=_("a name of 1 to 60 characters is needed"))
    others = ErpConnection.objects.filter(site_id=actor.site_id, name=name)
    if (others if own_id is None else others.exclude(pk=own_id)).exists():
        raise Refused("invalid", field="name", why=_("a connection of this name exists already"))
    return name


def _checked_prefix(prefix: str) -> str:
    prefix = prefix.strip()
    if len(prefix) > 10 or not prefix.isprintable() or prefix.startswith("~"):
        raise Refused("invalid", field="prefix", why=_("at most 10 printable characters, no tilde in front, are taken"))
    return prefix


@command
def edit_connection(
    *,
    actor: Actor,
    connection_id: int,
    name: str,
    settings: dict[str, Any],
    auto_release: bool,
    number_prefix: str,
    command_id: UUID,
) -> ErpConnection:
    """Change what a connection is called and how it reaches its ERP; its secrets stay. A stopped one stays stopped.

    Raises `not_found`, `connection_settings`, `invalid`, and `prefix_in_use` once orders came under the old prefix.
    """
    connection = locked_connection(actor, connection_id)
    name, prefix = _checked_name(actor, name, connection.pk), _checked_prefix(number_prefix)
    came = connection.refs.filter(entity=Entity.ORDER, local_id__isnull=False)
    if prefix != connection.number_prefix and came.exists():
        raise Refused("prefix_in_use", connection=connection.name)
    checked_adapter(connection.adapter, settings, bytes(connection.sealed).decode())
    connection.name, connection.settings = name, settings
    connection.auto_release, connection.number_prefix = auto_release, prefix
    connection.save(update_fields=["name", "settings", "auto_release", "number_prefix"])
    return connection


@command
def schedule_job(*, actor: Actor, job_id: int, interval_seconds: int, command_id: UUID) -> SyncJob:
    """Set how often a kind of record is pulled, from every 10 seconds to once a day. Raises `not_found`, `invalid`."""
    if not SHORTEST <= interval_seconds <= LONGEST:
        why = _("from {least} seconds to {most} hours").format(least=SHORTEST, most=LONGEST // 3600)
        raise Refused("invalid", field="interval", why=why)
    rows = SyncJob.objects.select_for_update(of=("self",), no_key=True)
    job = rows.filter(pk=job_id, connection__site_id=actor.site_id).first()
    if job is None:
        raise Refused("not_found", what=_("Schedule"), number=job_id)
    job.interval_seconds = interval_seconds
    job.next_due_at = min(job.next_due_at, current().now + timedelta(seconds=interval_seconds))
    job.save(update_fields=["interval_seconds", "next_due_at"])
    return job


def checked_adapter(adapter: str, settings: dict[str, Any], sealed: str) -> Any:
    """The adapter's class, if it accepts the settings. Raises `connection_settings`."""
    try:
        kind = adapter_class(adapter)
        open_secrets = kind.secret_settings & settings.keys()
        if open_secrets:
            raise ValueError(f"The setting {sorted(open_secrets)[0]} is secret and must be given as such.")
        kind({**settings, **credentials.unseal(sealed.encode())}).close()
    except (UnknownAdapter, ValueError, credentials.Unreadable) as error:
        raise Refused("connection_settings", why=str(error)) from error
    return kind


@command
def replace_credentials(*, actor: Actor, connection_id: int, sealed: str, command_id: UUID) -> ErpConnection:
    """Give a connection other secrets, and let it go on if it had stopped for want of them."""
    connection = locked_connection(actor, connection_id)
    checked_adapter(connection.adapter, connection.settings, sealed)
    connection.sealed = sealed.encode()
    if connection.state == states.STOPPED:
        _resume(connection)
    connection.save()
    return connection


@command
def pause_connection(*, actor: Actor, connection_id: int, reason: str, command_id: UUID) -> ErpConnection:
    """Nothing is pulled or told until somebody resumes; what happens meanwhile is kept and told then."""
    connection = locked_connection(actor, connection_id)
    if not reason.strip():
        raise Refused("invalid", field="reason", why=_("say why, in a few words"))
    states.CONNECTION.move(connection, "pause")
    connection.state_reason = _("Paused by {who}: {why}").format(who=actor.name, why=reason.strip()[:200])
    connection.save(update_fields=["state", "state_reason"])
    return connection


@command
def resume_connection(*, actor: Actor, connection_id: int, command_id: UUID) -> ErpConnection:
    """Go on at once, with the breaker closed and every job due."""
    connection = locked_connection(actor, connection_id)
    _resume(connection)
    connection.save()
    with database.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_syncjob SET next_due_at = now() WHERE connection_id = %s", [connection.pk])
    return connection


def _resume(connection: ErpConnection) -> None:
    states.CONNECTION.move(connection, "resume")
    connection.state_reason, connection.failures, connection.resume_at = "", 0, None


def locked_connection(actor: Actor, connection_id: int) -> ErpConnection:
    """The connection of the actor's site, locked. Raises `not_found`."""
    rows = ErpConnection.objects.filter(site_id=actor.site_id).select_for_update(of=("self",), no_key=True)
    found = rows.filter(pk=connection_id).first()
    if found is None:
        raise Refused("not_found", what=_("Connection"), number=connection_id)
    return found
