"""Badge and PIN at an enrolled terminal: the badge says who, the PIN proves it; five wrong PINs lock the badge."""

from datetime import timedelta

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from mes.accounts.models import User
from mes.accounts.tokens import person_of_badge
from mes.kernel.errors import Refused

TRIES = 5
LOCKED_FOR = timedelta(minutes=10)


def identify(badge: str, site_id: int) -> User:
    """The person who holds BADGE. Raises `badge_unknown`. Proves nothing yet."""
    found = person_of_badge(badge, site_id)
    if found is None:
        raise Refused("badge_unknown", badge=badge[:20])
    return found.user


def prove(user_id: int, pin: str) -> User:
    """The person, if PIN is theirs. Counts wrong tries in the database; raises `pin_wrong` or `pin_locked`."""
    now = timezone.now()
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if user.locked_until and user.locked_until > now:
            until = formats.date_format(timezone.localtime(user.locked_until), "H:i")
            refusal: Refused | None = Refused("pin_locked", until=until)
        elif user.pin and check_password(pin, user.pin):
            refusal = None
            if user.failed_pins:
                User.objects.filter(pk=user.pk).update(failed_pins=0, locked_until=None)
        else:
            tries = user.failed_pins + 1
            locked = tries >= TRIES
            User.objects.filter(pk=user.pk).update(
                failed_pins=0 if locked else tries, locked_until=now + LOCKED_FOR if locked else None
            )
            refusal = Refused("pin_wrong", left=TRIES - tries)
    if refusal:
        raise refusal
    return user


def hashed_pin(pin: str, salt: str | None = None) -> str:
    """PIN as it is stored. Raises `invalid` unless it is four to eight digits.

    A form gives its command id as SALT, so that the same form sent twice is the same command.
    """
    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 8):
        raise Refused("invalid", field=_("PIN"), why=_("four to eight digits are needed"))
    return make_password(pin, salt)
