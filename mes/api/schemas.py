"""What may be sent: the bodies of the contract's POSTs. The actions judge values; here only shape and type are."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError


def _instant(value: Any) -> datetime | None:
    """ISO 8601 with an offset: a time without one could be anybody's."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 2000 <= moment.year < 2200:
        raise PydanticCustomError("instant", _("a time such as 2026-11-22T14:03:00+01:00 is needed, with its offset"))
    return moment


def _number(value: Any) -> Any:
    if value is None or (isinstance(value, str | int | Decimal) and not isinstance(value, bool)):
        return value
    raise PydanticCustomError("number", _("a number is needed, best as a text such as “12.5”"))


Instant = Annotated[
    datetime | None,
    BeforeValidator(_instant),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "ISO 8601 with offset"}),
]
Quantity = Annotated[
    Any,
    BeforeValidator(_number),
    WithJsonSchema({"type": "string", "format": "decimal", "examples": ["12.5"]}),
]
Id = Annotated[int, Field(strict=True, ge=1, lt=2**63)]
Code = Annotated[str, Field(max_length=120, strict=True)]
Note = Annotated[str, Field(max_length=200, strict=True)]


class Strict(Schema):
    model_config = ConfigDict(extra="forbid")


class Act(Strict):
    """What every act may carry: the badge of the person who did it, when, and at which terminal."""

    badge: Code | None = None
    at: Instant = None
    terminal: Code | Id | None = None


class Start(Act):
    kind: Code = "RUN"
    work_unit: Code | None = None


class Suspend(Act):
    reason: Code | None = None


class LotReference(Strict):
    item: Code
    number: Code


class Consume(Act):
    lot: Code | LotReference | None = None
    item: Code | None = None
    quantity: Quantity = None
    unit: Code | None = None
    location: Code | None = None


class Report(Act):
    good: Quantity = None
    scrap: Quantity = None
    rework: Quantity = None
    reason: Code | None = None
    lot: Code | None = None


class Complete(Act):
    good: Quantity = None
    scrap: Quantity = None
    reason: Code | None = None
    remainder: Code | None = None
    lot: Code | None = None


class Check(Act):
    value: Quantity = None
    gauge: Code | None = None


class Skip(Act):
    reason: Code | None = None


class PlaceHold(Act):
    reason: Code | None = None
    note: Note | None = None


class ReleaseHold(Act):
    hold: Id | None = None
    note: Note | None = None


class Split(Act):
    quantity: Quantity = None
    number: Code | None = None


class Close(Act):
    note: Note | None = None


class Cancel(Act):
    reason: Code | None = None
    wip: Code | None = None


class Resequence(Act):
    to: Code | None = None
    rank: Annotated[int, Field(strict=True)] | None = None
    note: Note | None = None


class Change(Act):
    """What shall be different; a field that is not named stays as it is."""

    quantity: Quantity = None
    need_date: Code | None = None
    priority: Annotated[int, Field(strict=True)] | None = None
    over_percent: Quantity = None
    customer_order: Code | None = None
    note: Note | None = None


class Decide(Act):
    request: Id
    apply: Annotated[bool, Field(strict=True)]
    note: Note | None = None


class Correct(Act):
    operation: Id
    good: Quantity = None
    scrap: Quantity = None
    reason: Code | None = None
    note: Note | None = None


class Paper(Act):
    """What PERSON did, by the badge on the sheet, or by the id."""

    person: Code | Id | None = None
    began: Instant = None
    ended: Instant = None
    good: Quantity = None
    scrap: Quantity = None
    reason: Code | None = None
    completes: Annotated[bool, Field(strict=True)] = False
    remainder: Code | None = None
    lot: Code | None = None


class Adjust(Act):
    location: Code | None = None
    delta: Quantity = None
    unit: Code | None = None
    reason: Code | None = None


class Undo(Act):
    reason: Note | None = None


class ScanContext(Strict):
    """Where a scan was made. `page` is one of lock, home, job, materials, check, desk."""

    operation: Code | Id | None = None
    page: Code = ""
    expect: list[Code] = []
    location: Code | None = None


class Scan(Act):
    code: Annotated[str, Field(max_length=10_000, strict=True)]
    context: ScanContext = ScanContext()
    act: Annotated[bool, Field(strict=True)] = False
