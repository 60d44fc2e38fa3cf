"""Applies stored records: the newest revision only, through the imports of lower apps, a result for every record."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext as _

from erp_sync.actions.handling import Applied, Incoming
from erp_sync.actions.master_in import MASTER_HANDLERS
from erp_sync.actions.orders_in import apply_lots, apply_orders
from erp_sync.adapters.errors import Rejected
from erp_sync.adapters.registry import adapter_class
from erp_sync.messages import Entity, RawRecord
from erp_sync.models import ErpConnection, ExternalRef, InboundRecord, SyncJob
from mes.kernel.actors import Actor
from mes.kernel.commands import command
from mes.kernel.errors import Refused
from mes.kernel.scope import current

HANDLERS = {**MASTER_HANDLERS, Entity.LOT: apply_lots, Entity.ORDER: apply_orders}


@dataclass
class Applications:
    """How many records came to which end."""

    counts: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, int]:
        return dict(self.counts)


@command
def apply_inbound(
    *, actor: Actor, connection_id: int, entity: str, record_ids: list[int], command_id: UUID
) -> Applications:
    """Apply these stored records of one entity. Each ends APPLIED, PARKED with its reason, or SUPERSEDED.

    Serialised per connection and entity by the job's row, so that an older revision never overwrites a newer one.
    """
    connection = ErpConnection.objects.get(pk=connection_id, site_id=actor.site_id)
    list(SyncJob.objects.select_for_update(no_key=True).filter(connection=connection, entity=entity))
    records = list(
        InboundRecord.objects.select_for_update(no_key=True)
        .filter(pk__in=record_ids, state__in=[InboundRecord.NEW, InboundRecord.PARKED])
        .order_by("modified_at", "pk")
    )
    refs = {
        ref.key: ref
        for ref in ExternalRef.objects.filter(
            connection=connection, entity=entity, key__in={record.key for record in records}
        )
    }
    result = Applications()
    newest = {record.key: record for record in records}
    incoming: list[Incoming] = []
    translate = adapter_class(connection.adapter).translate
    for record in records:
        ref = refs.get(record.key)
        record.attempts += 1
        if record is not newest[record.key] or (ref is not None and record.modified_at < ref.modified_at):
            _settle(record, InboundRecord.SUPERSEDED, "", _("A newer revision was there first."))
            result.counts["superseded"] += 1
            continue
        raw = RawRecord(Entity(entity), record.key, record.modified_at, record.body)
        try:
            incoming.append(Incoming(record, translate(raw), ref))
        except Rejected as refusal:
            _settle(record, InboundRecord.PARKED, "", refusal.text)
            result.counts["parked"] += 1
    applied = HANDLERS[Entity(entity)](actor, connection, incoming, command_id) if incoming else []
    for one, outcome in zip(incoming, applied, strict=True):
        _conclude(connection, one, outcome, result)
    return result


@command
def park_inbound(*, actor: Actor, record_id: int, reason: str, command_id: UUID) -> None:
    """Put a record aside that cannot be applied because of an error in this software, so that it stops no other."""
    record = InboundRecord.objects.select_for_update(no_key=True).get(pk=record_id, connection__site_id=actor.site_id)
    if record.state in (InboundRecord.NEW, InboundRecord.PARKED):
        record.attempts += 1
        _settle(record, InboundRecord.PARKED, "", reason)


@command
def set_aside_record(*, actor: Actor, record_id: int, reason: str, command_id: UUID) -> InboundRecord:
    """A person settles a parked record that nothing will cure: it is kept, with who and why, and tried no more.

    A newer revision from the ERP is applied as ever. Raises `not_found`, `invalid`, `record_not_parked`.
    """
    why = reason.strip()
    if not why:
        raise Refused("invalid", field="reason", why=_("say why, in a few words"))
    rows = InboundRecord.objects.select_for_update(of=("self",), no_key=True)
    record = rows.filter(pk=record_id, connection__site_id=actor.site_id).first()
    if record is None:
        raise Refused("not_found", what=_("Record"), number=record_id)
    if record.state != InboundRecord.PARKED:
        raise Refused("record_not_parked", record=record.key)
    said = _("Set aside by {who}: {why} It said: {before}").format(who=actor.name, why=why[:300], before=record.reason)
    _settle(record, InboundRecord.SET_ASIDE, "", said)
    return record


def _conclude(connection: ErpConnection, one: Incoming, outcome: Applied, result: Applications) -> None:
    record = one.record
    if outcome.parked:
        _settle(record, InboundRecord.PARKED, "", outcome.reason)
        result.counts["parked"] += 1
    else:
        _settle(record, InboundRecord.APPLIED, outcome.outcome, outcome.reason)
        result.counts[outcome.outcome] += 1
    if outcome.code is None:
        return
    ref = one.ref or ExternalRef(connection=connection, entity=record.entity, key=record.key)
    ref.code, ref.local_id = outcome.code[:120], outcome.local_id
    ref.facts = {**ref.facts, **outcome.facts}
    if outcome.revision is not None:
        ref.revision = outcome.revision
    ref.modified_at, ref.digest = record.modified_at, record.digest
    ref.save()


def _settle(record: InboundRecord, state: str, outcome: str, reason: str) -> None:
    record.state, record.outcome, record.reason = state, outcome, reason[:2000]
    record.settled_at = current().now
    record.save(update_fields=["state", "outcome", "reason", "settled_at", "attempts"])
