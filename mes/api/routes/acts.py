"""What is about acts and not about one noun: undo, approval of late gestures, scans, and the feed of events."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from mes.api.answers import answer, read
from mes.api.bodies import without_nul
from mes.api.calls import call_of, perform
from mes.api.doors import acts, reads
from mes.api.numbers import operation_id
from mes.api.paging import only
from mes.api.schemas import Scan, Undo
from mes.api.shown.events import feed
from mes.execution.scanning import read_scan
from mes.execution.undo import approve_late_command, undo_command
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused

_UNDO = Undo()


def _target(named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError:
        raise Refused("undo_unknown", number=named[:40]) from None


@acts("/commands/{command}/undo", "undo_command", tag="commands")
def post_undo(request: HttpRequest, command: str, data: Undo = _UNDO) -> HttpResponse:
    """Take back everything that was written under one command id."""

    def body(actor: Actor, command_id: UUID) -> dict[str, Any]:
        target = _target(command)
        receipt = undo_command(actor=actor, target=target, reason=data.reason, at=data.at, command_id=command_id)
        return {"undone": receipt.pk, "command": receipt.name, "command_id": command_id}

    return perform(request, data, body)


@acts("/commands/{command}/approve", "approve_late_command", tag="commands")
def post_approve(request: HttpRequest, command: str, data: Undo = _UNDO) -> HttpResponse:
    """Let a refused late gesture be sent again, unchanged, under its own command id."""

    def body(actor: Actor, command_id: UUID) -> dict[str, Any]:
        target = _target(command)
        approve_late_command(actor=actor, target=target, reason=data.reason or "", command_id=command_id)
        return {"approved": target, "command_id": command_id}

    return perform(request, data, body)


@acts("/scan", "read_scan", tag="scans", key=False)
def post_scan(request: HttpRequest, data: Scan) -> HttpResponse:
    """What a code is and what follows from it; with `act` and a key the act is done."""
    call = call_of(request)
    without_nul({name: value for name, value in call.body.items() if name != "code"})
    actor = call.actor(data)
    context = data.context
    found = read_scan(
        actor=actor,
        code=data.code,
        operation_id=None if context.operation is None else operation_id(context.operation),
        act=data.act,
        command_id=call.command_id() if data.act else None,
        page=context.page,
        expect=context.expect,
        location=context.location,
        hosts=own_hosts(request),
        fingerprint=call.fingerprint(),
    )
    return answer(found.as_json() | ({"replayed": True} if found.replayed else {}))


def own_hosts(request: HttpRequest) -> Collection[str] | None:
    """The names this plant's own labels may carry; None where any name leads here."""
    if any(host == "*" or host.startswith(".") for host in settings.ALLOWED_HOSTS):
        return None
    bare = set(settings.ALLOWED_HOSTS)
    port = settings.WEB_PORT
    return bare | {f"{host}:{port}" for host in bare if port} | {request.get_host()}


@reads("/events", "view_events", tag="events")
def list_events(request: HttpRequest) -> HttpResponse:
    """Business events after the cursor `since`, in an order that later ones never disturb."""
    query = only(request, "since", "limit")
    return read(request, feed(call_of(request).token.site_id, query))
