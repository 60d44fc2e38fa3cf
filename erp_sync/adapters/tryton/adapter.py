"""The Tryton adapter as the engine sees it: settings in, one client, and the parts that do the work."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import ErpError, NeedsDecision
from erp_sync.adapters.tryton import demands, translating
from erp_sync.adapters.tryton.client import Limits, TrytonClient
from erp_sync.adapters.tryton.posting import Posting
from erp_sync.adapters.tryton.reading import Reader
from erp_sync.adapters.tryton.summing import read_totals
from erp_sync.facts import Fact
from erp_sync.messages import (
    Capabilities,
    Cursor,
    Entity,
    FactKind,
    Issue,
    OrderTotals,
    Page,
    Probe,
    RawRecord,
    Receipt,
    Severity,
)
from erp_sync.records import Record

MOST_CLOCK_OFFSET = timedelta(minutes=2)


class TrytonAdapter(ErpAdapter):
    """Settings: `url`, `database`, `user`, `password`; optional `connect_timeout`, `read_timeout`, `total_timeout`
    and `overlap` in seconds."""

    slug: ClassVar[str] = "tryton"
    label: ClassVar[str] = "Tryton 8"
    capabilities: ClassVar[Capabilities] = Capabilities(
        pull=frozenset(Entity),
        push=frozenset({FactKind.ORDER_COMPLETION}),
        native_idempotency=False,
        late_consumption=False,
        reversal=False,
        quantity_scale=6,
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        url = str(_setting(settings, "url")).rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("The setting url must be the address of the Tryton server, beginning with https://.")
        standard = Limits()
        self._client = TrytonClient(
            url,
            str(_setting(settings, "database")),
            str(_setting(settings, "user")),
            str(_setting(settings, "password")),
            Limits(
                connect=_seconds(settings, "connect_timeout", standard.connect),
                read=_seconds(settings, "read_timeout", standard.read),
                total=_seconds(settings, "total_timeout", standard.total),
            ),
        )
        self._reader = Reader(self._client, timedelta(seconds=_seconds(settings, "overlap", 300.0)))

    def probe(self) -> Probe:
        version = self._client.version()
        context = self._client.context
        issues = []
        if not version.startswith("8."):
            issues.append(
                Issue(Severity.WARNING, "version", f"This adapter was tried with Tryton 8; the server is {version}.")
            )
        if not context.get("company"):
            issues.append(Issue(Severity.ERROR, "no_company", "The ERP's user for this system belongs to no company."))
        lacking = demands.missing_fields(self._client)
        if lacking:
            text = f"The ERP has not what this adapter uses: {', '.join(lacking)}. Are all modules activated?"
            issues.append(Issue(Severity.ERROR, "fields", text))
        else:
            denied = demands.missing_rights(self._client)
            if denied:
                text = f"The ERP's user for this system lacks rights: {', '.join(denied)}."
                issues.append(Issue(Severity.ERROR, "rights", text))
        offset = self._client.clock_offset
        if offset is not None and abs(offset) > MOST_CLOCK_OFFSET:
            minutes = round(abs(offset) / timedelta(minutes=1))
            issues.append(Issue(Severity.WARNING, "clock", f"The ERP's clock differs from ours by {minutes} minutes."))
        return Probe("Tryton", version, str(context.get("company.rec_name", "")), offset, tuple(issues))

    def pull(self, entity: Entity, cursor: Cursor, limit: int) -> Page:
        with demands.explained(self._client):
            return self._reader.page(entity, cursor, limit)

    def get(self, entity: Entity, key: str) -> RawRecord | None:
        with demands.explained(self._client):
            return self._reader.one(entity, key)

    @classmethod
    def translate(cls, raw: RawRecord) -> Record:
        return translating.translate(raw)

    def validate(self, fact: Fact) -> list[Issue]:
        with demands.explained(self._client):
            return Posting.checked(self._client, fact)

    def push(self, fact: Fact, accepted: frozenset[str] = frozenset()) -> Receipt:
        posting: Posting | None = None
        try:
            with demands.explained(self._client):
                posting = Posting(self._client, fact, accepted)
                return posting.push()
        except ErpError as failure:
            failure.nothing_written = posting is None or not posting.wrote
            raise

    def find_fact(self, fact: Fact) -> Receipt | None:
        with demands.explained(self._client):
            return Posting(self._client, fact).find()

    def compensate(self, fact: Fact, reason: str) -> Receipt:
        raise NeedsDecision(
            "no_reversal",
            f"Tryton cannot take back a closed order. Correct order {fact.order} there by hand, then accept "
            f"that it was done. Reason given here: {reason}.",
        )

    def totals(self, order_keys: list[str]) -> list[OrderTotals]:
        with demands.explained(self._client):
            return read_totals(self._client, order_keys)

    def close(self) -> None:
        self._client.close()

    def __repr__(self) -> str:
        return f"<TrytonAdapter {self._client!r}>"


def _setting(settings: Mapping[str, Any], name: str) -> Any:
    value = settings.get(name)
    if not value:
        raise ValueError(f"The setting {name} is missing.")
    return value


def _seconds(settings: Mapping[str, Any], name: str, standard: float) -> float:
    value = settings.get(name, standard)
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"The setting {name} must be a number of seconds.") from None
    if not 0 <= seconds <= 86400:
        raise ValueError(f"The setting {name} must lie between 0 and 86400 seconds.")
    return seconds
