"""Typed values as Tryton writes them in JSON, and back. Knows no model and no connection."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from erp_sync.adapters.errors import ContractError


def instant(value: Any) -> datetime | None:
    """Tryton's instants are UTC without saying so."""
    if value is None:
        return None
    _expect(value, "datetime")
    return datetime(
        value["year"],
        value["month"],
        value["day"],
        value["hour"],
        value["minute"],
        value["second"],
        value["microsecond"],
        tzinfo=UTC,
    )


def day(value: Any) -> date | None:
    if value is None:
        return None
    _expect(value, "date")
    return date(value["year"], value["month"], value["day"])


def duration(value: Any) -> timedelta | None:
    if value is None:
        return None
    _expect(value, "timedelta")
    return timedelta(microseconds=round(Decimal(str(value["seconds"])) * 1_000_000))


def quantity(value: Any) -> Decimal:
    """Quantities travel as JSON numbers; the shortest spelling of the number is what the sender meant."""
    if isinstance(value, dict):
        _expect(value, "Decimal")
        return Decimal(value["decimal"])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractError(f"The ERP sent {value!r} where a quantity was expected.")
    return Decimal(str(value))


def wire(value: Any) -> Any:
    """A value of ours as Tryton reads it. Decimals become JSON numbers, as its quantity fields want them."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return {
            "__class__": "datetime",
            "year": moment.year,
            "month": moment.month,
            "day": moment.day,
            "hour": moment.hour,
            "minute": moment.minute,
            "second": moment.second,
            "microsecond": moment.microsecond,
        }
    if isinstance(value, timedelta):
        return {"__class__": "timedelta", "seconds": value / timedelta(seconds=1)}
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [wire(item) for item in value]
    return value


def _expect(value: Any, kind: str) -> None:
    if not isinstance(value, dict) or value.get("__class__") != kind:
        raise ContractError(f"The ERP sent {value!r} where a {kind} was expected.")
