"""Tells ERPs what is owed: claim one message, talk outside any transaction, settle by the lease."""

import logging
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid5

from erp_sync import credentials
from erp_sync.actions import leases
from erp_sync.actions.leases import Claimed
from erp_sync.actions.postings import confirm_posting, park_posting
from erp_sync.actions.storing import make_due
from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import (
    Ambiguous,
    AuthDenied,
    AuthExpired,
    ContractError,
    ErpError,
    Locked,
    NeedsDecision,
    Rejected,
    Stale,
    Throttled,
    UnitMismatch,
    UnknownReference,
    Unreachable,
)
from erp_sync.adapters.registry import UnknownAdapter, adapter_class
from erp_sync.facts import OrderCompletion
from erp_sync.messages import Receipt
from erp_sync.models import ErpConnection
from erp_sync.reconciliation import differences
from mes.kernel.actors import Actor, system

log = logging.getLogger(__name__)

ATTEMPTS = 12
SHORT_PAUSE = timedelta(seconds=3)
USUAL_WAIT = timedelta(seconds=30)
REFERENCE_TRIES = 3
#: Seconds after which a drain takes up nothing more; with one slow posting on top it stays below a task's limit.
BUDGET = 100.0


@dataclass(frozen=True)
class Answer:
    receipt: Receipt
    differences: list[dict[str, str]]


class Conversations:
    """One adapter per connection for as long as a drain lasts, so that a backlog needs one login."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._open: dict[int, ErpAdapter] = {}

    def __enter__(self) -> "Conversations":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def with_(self, connection: ErpConnection) -> ErpAdapter:
        """Raises `ContractError` when the adapter or its credentials cannot be had."""
        if connection.pk not in self._open:
            self._open[connection.pk] = self._stack.enter_context(open_adapter(connection))
        return self._open[connection.pk]


def open_adapter(connection: ErpConnection) -> ErpAdapter:
    try:
        return adapter_class(connection.adapter)(connection.all_settings())
    except (UnknownAdapter, ValueError, credentials.Unreadable) as error:
        raise ContractError(str(error)) from error


def engine(connection: ErpConnection) -> Actor:
    """Whom settlements are charged to."""
    return system(connection.site_id, connection.name)


def drain(limit: int = 500) -> int:
    """Tell what may be told now, for as long as a task may run. Returns how many messages were taken up."""
    began = time.monotonic()
    with Conversations() as conversations:
        for done in range(limit):
            claimed = leases.claim_message() if time.monotonic() - began < BUDGET else None
            if claimed is None:
                return done
            send(claimed, conversations)
    return limit


def send(claimed: Claimed, conversations: Conversations) -> None:
    """One attempt at one claimed message, settled whatever comes of it."""
    message = claimed.message
    began = time.monotonic()
    try:
        answer = talk(claimed, conversations)
    except ErpError as failure:
        _settle_failure(claimed, failure, _milliseconds(began))
    except Exception as bug:
        log.exception("Message %s could not be told because of a bug", message.pk)
        text = f"An error in this software: {type(bug).__name__}. It is tried again; tell whoever maintains it."
        _again_or_park(claimed, "Bug", "bug", text, _milliseconds(began), touched=True)
    else:
        leases.note_answer(message.connection, inbound=False)
        confirm_posting(
            actor=engine(message.connection),
            message_id=message.pk,
            lease=claimed.token,
            erp_key=answer.receipt.erp_key,
            erp_number=answer.receipt.erp_number,
            status=answer.receipt.status.value,
            differences=answer.differences,
            milliseconds=_milliseconds(began),
            command_id=uuid5(claimed.token, "confirm"),
        )


def talk(claimed: Claimed, conversations: Conversations) -> Answer:
    """Look first where the ERP may know of it; tell; then compare both sides' figures. Raises the adapter's errors."""
    message = claimed.message
    adapter = conversations.with_(message.connection)
    fact = OrderCompletion.from_json(message.payload)
    may_know = message.touched or message.connection.restored_at is not None
    # Once a person has answered, `push` itself looks, with the answer; to ask without it would be to be asked again.
    receipt = adapter.find_fact(fact) if may_know and not message.accepted else None
    if receipt is None:
        receipt = adapter.push(fact, frozenset(message.accepted))
    totals = adapter.totals([fact.order_key])
    return Answer(receipt, differences(fact, totals[0]) if totals else [])


def _settle_failure(claimed: Claimed, failure: ErpError, milliseconds: int) -> None:
    message, connection = claimed.message, claimed.message.connection
    kind = type(failure).__name__
    touched = not failure.nothing_written

    def back(pause: timedelta, *, counts: bool) -> None:
        leases.put_back(
            claimed,
            error_class=kind,
            text=failure.text,
            pause=pause,
            counts=counts,
            touched=touched,
            milliseconds=milliseconds,
        )

    if isinstance(failure, Unreachable):
        leases.note_silence(connection, failure.text)
        back(timedelta(), counts=False)
    elif isinstance(failure, Throttled):
        back(failure.retry_after or USUAL_WAIT, counts=False)
    elif isinstance(failure, AuthDenied | ContractError):
        leases.stop_connection(connection, failure.text)
        back(timedelta(), counts=False)
    elif isinstance(failure, NeedsDecision | Rejected):
        _park(claimed, kind, failure.code, failure.text, milliseconds, touched=touched)
    elif isinstance(failure, UnitMismatch):
        _park(claimed, kind, "unit_mismatch", failure.text, milliseconds, touched=touched)
    elif isinstance(failure, UnknownReference):
        make_due(connection, failure.entity)
        if message.attempts >= REFERENCE_TRIES:
            _park(claimed, kind, f"unknown_{failure.entity}", failure.text, milliseconds, touched=touched)
        else:
            back(USUAL_WAIT, counts=True)
    elif isinstance(failure, Locked | Stale) and message.attempts < ATTEMPTS:
        back(SHORT_PAUSE, counts=True)
    elif isinstance(failure, Ambiguous | AuthExpired):
        leases.note_silence(connection, failure.text)
        _again_or_park(claimed, kind, kind, failure.text, milliseconds, touched=touched)
    else:
        _again_or_park(claimed, kind, kind, failure.text, milliseconds, touched=touched)


def _again_or_park(claimed: Claimed, kind: str, code: str, text: str, milliseconds: int, *, touched: bool) -> None:
    if claimed.message.attempts >= ATTEMPTS:
        given_up = f"Given up after {claimed.message.attempts} attempts. {text}"
        _park(claimed, kind, code, given_up, milliseconds, touched=touched)
        return
    leases.put_back(
        claimed,
        error_class=kind,
        text=text,
        pause=leases.jitter(claimed.message.attempts),
        counts=True,
        touched=touched,
        milliseconds=milliseconds,
    )


def _park(claimed: Claimed, kind: str, code: str, text: str, milliseconds: int, *, touched: bool) -> None:
    park_posting(
        actor=engine(claimed.message.connection),
        message_id=claimed.message.pk,
        lease=claimed.token,
        error_class=kind,
        error_code=code,
        reason=text,
        touched=touched,
        milliseconds=milliseconds,
        command_id=uuid5(claimed.token, "park"),
    )


def _milliseconds(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
