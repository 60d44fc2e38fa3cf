"""What the handlers of incoming records share: what they get, what they answer, and how a row's result is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from erp_sync.models import ErpConnection, ExternalRef, InboundRecord
from workorders.actions.imports import CREATED, REJECTED, UNCHANGED, UPDATED, Result


@dataclass(frozen=True)
class Incoming:
    """A stored record, what it says in our words, and the row of ours it stands for, if there is one."""

    record: InboundRecord
    says: Any
    ref: ExternalRef | None


@dataclass(frozen=True)
class Applied:
    """What became of a record. With a `code` the record stands for a row of ours from now on."""

    outcome: str
    reason: str = ""
    code: str | None = None
    local_id: int | None = None
    revision: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def parked(self) -> bool:
        return self.outcome == REJECTED


def ignored(reason: str, **facts: Any) -> Applied:
    return Applied(UNCHANGED, reason, facts=facts)


def parked(reason: str, **more: Any) -> Applied:
    return Applied(REJECTED, reason, **more)


def of_results(results: Sequence[Result], code: str, local_id: int | None = None, **facts: Any) -> Applied:
    """One answer for a record that made several rows: parked if any was rejected, else the strongest of the others."""
    wrong = [result for result in results if result.outcome == REJECTED]
    if wrong:
        return parked(" ".join(error for result in wrong for error in result.errors))
    outcomes = {result.outcome for result in results}
    outcome = CREATED if CREATED in outcomes else UPDATED if UPDATED in outcomes else UNCHANGED
    return Applied(outcome, code=code, local_id=local_id, facts=facts)


def code_taken(connection: ErpConnection, one: Incoming, batch: Sequence[Incoming]) -> Applied | None:
    """Two records of the ERP with one code would become one row of ours: the one we know, else the older, stays."""
    code = one.says.code
    known = ExternalRef.objects.filter(connection=connection, entity=one.record.entity, code=code)
    owner = known.filter(local_id__isnull=False).values_list("key", flat=True).first()
    if owner is None:
        owner = min((each.record.key for each in batch if each.says.code == code), key=lambda key: (len(key), key))
    if owner != one.record.key:
        return parked(_("The ERP has two records with the code {code}; give one of them another.").format(code=code))
    return None
