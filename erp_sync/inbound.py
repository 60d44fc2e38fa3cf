"""Fetches from ERPs: claim a due job, read pages, keep them word for word, apply them, release what may be released."""

import logging
from collections import Counter
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from erp_sync import states
from erp_sync.actions import leases, storing
from erp_sync.actions.applying import apply_inbound, park_inbound
from erp_sync.actions.storing import ClaimedJob
from erp_sync.adapters.errors import (
    Ambiguous,
    AuthDenied,
    AuthExpired,
    ContractError,
    ErpError,
    Unreachable,
)
from erp_sync.mapping import DEPENDENTS
from erp_sync.messages import Entity, OrderState
from erp_sync.models import ErpConnection, ExternalRef, InboundRecord, SyncRun
from erp_sync.outbound import Conversations, engine
from erp_sync.queries.monitor import outcomes_of
from mes.execution.release import release_order
from mes.kernel.errors import Busy, Refused
from workorders import states as order_states
from workorders.models import WorkOrder

log = logging.getLogger(__name__)

PAGE = 100
BATCH = 100
NAMESPACE = uuid5(NAMESPACE_URL, "mes:erp-sync")


def run_due(limit: int = 100) -> int:
    """Run the pulls that are due. Returns how many were run."""
    with Conversations() as conversations:
        for done in range(limit):
            claimed = storing.claim_job()
            if claimed is None:
                return done
            run_job(claimed, conversations)
    return limit


def run_job(claimed: ClaimedJob, conversations: Conversations) -> None:
    """One pull. What was kept before a failure is applied nevertheless, and the next pull goes on behind it."""
    job, connection = claimed.job, claimed.job.connection
    entity = Entity(job.entity)
    run = storing.begin_run(job)
    error = ""
    told: list[tuple[str, str]] = []
    try:
        told = _pull(claimed, run, conversations)
    except ErpError as failure:
        error = failure.text
        _note_failure(connection, failure)
    except Exception as bug:
        log.exception("Pulling %s from connection %s failed because of a bug", entity, connection.pk)
        error = f"An error in this software: {type(bug).__name__}. Tell whoever maintains it."
    else:
        leases.note_answer(connection, inbound=True)
    try:
        counts = apply_pending(connection, entity)
        if entity is Entity.ORDER:
            release_planned(connection)
    except Exception as bug:
        log.exception("Applying %s from connection %s failed because of a bug", entity, connection.pk)
        error = error or f"An error in this software: {type(bug).__name__}. Tell whoever maintains it."
    else:
        run.created, run.updated = counts["created"], counts["updated"]
        run.unchanged, run.parked = counts["unchanged"], counts["parked"]
        error = error or _acknowledge(connection, entity, told, conversations)
    storing.end_run(claimed, run, error)


def _pull(claimed: ClaimedJob, run: SyncRun, conversations: Conversations) -> list[tuple[str, str]]:
    """Keep page after page. Returns key and digest of what came, or nothing when the right to pull was lost."""
    adapter = conversations.with_(claimed.job.connection)
    cursor = storing.cursor_of(claimed.job)
    entity = Entity(claimed.job.entity)
    told: list[tuple[str, str]] = []
    while True:
        page = adapter.pull(entity, cursor, PAGE)
        if not storing.store_page(claimed, run, page):
            log.warning("The lease of job %s was lost; another worker pulls.", claimed.job.pk)
            return []
        told += [(raw.key, raw.digest) for raw in page.records]
        cursor = page.cursor
        if not page.more:
            return told


def _acknowledge(
    connection: ErpConnection, entity: Entity, told: list[tuple[str, str]], conversations: Conversations
) -> str:
    """Let the adapter hear what became of the records of this pass. Returns what went wrong with that, if anything."""
    if not told:
        return ""
    try:
        conversations.with_(connection).acknowledge(entity, outcomes_of(connection, entity, told))
    except ErpError as failure:
        _note_failure(connection, failure)
        return failure.text
    except Exception as bug:
        log.exception("Acknowledging %s of connection %s failed because of a bug", entity, connection.pk)
        return f"An error in this software: {type(bug).__name__}. Tell whoever maintains it."
    return ""


def _note_failure(connection: ErpConnection, failure: ErpError) -> None:
    if isinstance(failure, AuthDenied | ContractError):
        leases.stop_connection(connection, failure.text)
    elif isinstance(failure, Unreachable | Ambiguous | AuthExpired):
        leases.note_silence(connection, failure.text)


def apply_pending(connection: ErpConnection, entity: Entity) -> Counter[str]:
    """Apply what is kept of an entity, new and parked; then what was parked for want of it."""
    counts = _apply(connection, entity)
    if counts["created"] or counts["updated"]:
        for dependent in DEPENDENTS[entity]:
            if _apply(connection, dependent, only_parked=True) and dependent is Entity.ORDER:
                release_planned(connection)
    return counts


def _apply(connection: ErpConnection, entity: Entity, *, only_parked: bool = False) -> Counter[str]:
    wanted = [InboundRecord.PARKED] if only_parked else [InboundRecord.NEW, InboundRecord.PARKED]
    ids = list(
        InboundRecord.objects.filter(connection=connection, entity=entity, state__in=wanted)
        .order_by("modified_at", "pk")
        .values_list("pk", flat=True)
    )
    counts: Counter[str] = Counter()
    for start in range(0, len(ids), BATCH):
        counts.update(_apply_batch(connection, entity, ids[start : start + BATCH]))
    return counts


def _apply_batch(connection: ErpConnection, entity: Entity, ids: list[int]) -> Counter[str]:
    """Apply together; where that breaks, one by one, so that a record that breaks us stops no other."""
    try:
        applied = apply_inbound(
            actor=engine(connection),
            connection_id=connection.pk,
            entity=entity.value,
            record_ids=ids,
            command_id=uuid4(),
        )
    except Busy:
        raise
    except Exception as bug:
        if len(ids) > 1:
            counts: Counter[str] = Counter()
            for record_id in ids:
                counts.update(_apply_batch(connection, entity, [record_id]))
            return counts
        log.exception("Record %s of connection %s could not be applied because of a bug", ids[0], connection.pk)
        reason = f"An error in this software: {type(bug).__name__}. Tell whoever maintains it."
        park_inbound(actor=engine(connection), record_id=ids[0], reason=reason, command_id=uuid4())
        return Counter(parked=1)
    return Counter(applied.counts)


def release_planned(connection: ErpConnection) -> None:
    """Release here what is released there, where the connection says so. An order recalled here stays recalled.

    The command's id is made of the order and its revision: the same revision is released once in its life.
    """
    if not connection.auto_release or connection.state != states.ACTIVE:
        return
    released = [OrderState.RELEASED.value, OrderState.RUNNING.value]
    refs = ExternalRef.objects.filter(connection=connection, entity=Entity.ORDER, facts__state__in=released)
    planned = WorkOrder.objects.filter(
        site_id=connection.site_id, state=order_states.PLANNED, pk__in=refs.values("local_id")
    )
    by_order = {ref.local_id: ref for ref in refs.filter(local_id__in=planned.values("pk"))}
    for order_id in planned.order_by("pk").values_list("pk", flat=True):
        ref = by_order[order_id]
        try:
            release_order(actor=engine(connection), order_id=order_id, command_id=_release_id(connection, ref))
        except Refused as refusal:
            log.info("Order %s of connection %s is not released: %s", ref.code, connection.pk, refusal.reason)


def _release_id(connection: ErpConnection, ref: ExternalRef) -> UUID:
    return uuid5(NAMESPACE, f"release {connection.pk} {ref.key} {ref.revision}")
