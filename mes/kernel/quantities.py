"""Quantities: exact decimals with at most six places, always with a unit beside them. Units themselves live in
`workorders`.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django.db import models
from django.utils import formats
from django.utils.translation import gettext as _

from mes.kernel.errors import Refused

PLACES = 6
STEP = Decimal(1).scaleb(-PLACES)
LIMIT = Decimal(10) ** 12
ZERO = Decimal(0)


def quantity_field(**options: Any) -> "models.DecimalField[Decimal, Decimal]":
    """A `numeric(18,6)` column. Give it a `finite` or `non_negative` constraint too: a CHECK `>= 0` alone lets NaN
    pass.
    """
    return models.DecimalField(max_digits=18, decimal_places=PLACES, **options)


def optional_quantity_field() -> "models.DecimalField[Decimal | None, Decimal | None]":
    """A `numeric(18,6)` column that may be empty: a limit that does not limit, a quantity nobody stated."""
    return models.DecimalField(max_digits=18, decimal_places=PLACES, null=True)


def finite(*fields: str, name: str) -> models.CheckConstraint:
    """Each field lies inside the number range; PostgreSQL sorts NaN above every number, so the upper bound refuses
    it.
    """
    condition = models.Q()
    for field in fields:
        condition &= models.Q(**{f"{field}__gt": -LIMIT, f"{field}__lt": LIMIT})
    return models.CheckConstraint(condition=condition, name=name)


def non_negative(*fields: str, name: str) -> models.CheckConstraint:
    condition = models.Q()
    for field in fields:
        condition &= models.Q(**{f"{field}__gte": 0, f"{field}__lt": LIMIT})
    return models.CheckConstraint(condition=condition, name=name)


def positive(field: str, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(**{f"{field}__gt": 0, f"{field}__lt": LIMIT}), name=name)


def parse(value: Any, field: str = "quantity") -> Decimal:
    """VALUE as an exact decimal. Refuses what is no finite plain number, has more than six places or is too large."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Refused("invalid", field=field, why=_("a number is needed"))
    text = str(value).strip()
    if len(text) > 40:
        raise Refused("invalid", field=field, why=_("the number is too long"))
    try:
        # Python reads more than numbers are written with: underscores, the digits of every script.
        number = Decimal(text if text.isascii() and "_" not in text else "?")
    except InvalidOperation:
        raise Refused("invalid", field=field, why=_("“{text}” is not a number").format(text=text[:40])) from None
    if not number.is_finite():
        raise Refused("invalid", field=field, why=_("the number must be finite"))
    if abs(number) >= LIMIT:
        raise Refused("invalid", field=field, why=_("the number is too large"))
    if number != number.quantize(STEP):
        raise Refused("invalid", field=field, why=_("at most six decimal places are kept"))
    return number.quantize(STEP)


def parse_positive(value: Any, field: str = "quantity") -> Decimal:
    number = parse(value, field)
    if number <= 0:
        raise Refused("invalid", field=field, why=_("the quantity must be greater than zero"))
    return number


def parse_non_negative(value: Any, field: str = "quantity") -> Decimal:
    number = parse(value, field)
    if number < 0:
        raise Refused("invalid", field=field, why=_("the quantity must not be negative"))
    return number


def require_scale(number: Decimal, decimals: int, unit: str, field: str = "quantity") -> None:
    """A unit counted in pieces takes no fractions; others take as many places as the unit says."""
    if number != round_to(number, decimals):
        why = (
            _("{unit} is counted in whole pieces").format(unit=unit)
            if decimals == 0
            else _("{unit} takes at most {decimals} decimal places").format(unit=unit, decimals=decimals)
        )
        raise Refused("invalid", field=field, why=why)


def round_to(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def shown(number: Decimal) -> str:
    """NUMBER in a sentence: without needless zeros, in the writing of the active language."""
    short = number.normalize()
    return str(formats.number_format(short, decimal_pos=max(0, -int(short.as_tuple().exponent)), use_l10n=True))
