"""Judging a value against its limits. Pure: no database."""

from decimal import Decimal


def passes(value: Decimal, lower: Decimal | None, upper: Decimal | None) -> bool:
    """Limits belong to the good side; a missing limit does not limit."""
    return (lower is None or value >= lower) and (upper is None or value <= upper)
