"""Signing in at a desk: user name and password, and the pause after too many wrong ones.

The pause belongs to the name and the address it was tried from, so that nobody can lock a colleague out from elsewhere.
"""

from datetime import timedelta

from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from mes.accounts.models import SignInFailure, User
from mes.kernel.errors import Refused

TRIES = 5
SHORTEST, LONGEST = 10, 200
LOCKED_FOR = timedelta(minutes=10)
#: Tries older than this are forgotten.
REMEMBERED = timedelta(hours=1)


def prove_password(request: HttpRequest, username: str, password: str) -> User:
    """The active person of USERNAME and PASSWORD. Raises `password_wrong`, `sign_in_locked` after five tries."""
    name, address = username.strip()[:60], (request.META.get("REMOTE_ADDR") or "")[:45]
    now = timezone.now()
    if not name.isprintable():  # no user name is written like that, and the database would not take it
        raise Refused("password_wrong", left=TRIES)
    known = SignInFailure.objects.filter(username=name, address=address).first()
    if known and known.locked_until and known.locked_until > now:
        raise _locked(known)
    person = authenticate(request, username=name, password=password)
    if isinstance(person, User):
        if known:
            known.delete()
        return person
    with transaction.atomic():
        SignInFailure.objects.filter(last_at__lt=now - REMEMBERED).delete()
        failure, _created = SignInFailure.objects.select_for_update(no_key=True).get_or_create(
            username=name, address=address, defaults={"last_at": now}
        )
        failure.failures = F("failures") + 1
        failure.last_at = now
        failure.save()
        failure.refresh_from_db()
        if failure.failures >= TRIES:
            failure.failures, failure.locked_until = 0, now + LOCKED_FOR
            failure.save()
    if failure.locked_until and failure.locked_until > now:
        raise _locked(failure)
    raise Refused("password_wrong", left=TRIES - failure.failures)


def hashed_password(password: str, salt: str | None = None) -> str:
    """PASSWORD as it is stored. Raises `invalid` for one that is too short or too long; its characters are free.

    A form gives its command id as SALT, so that the same form sent twice is the same command.
    """
    if not SHORTEST <= len(password) <= LONGEST or not password.strip():
        why = _("{shortest} to {longest} characters are needed").format(shortest=SHORTEST, longest=LONGEST)
        raise Refused("invalid", field=_("Password"), why=why)
    return make_password(password, salt)


def _locked(failure: SignInFailure) -> Refused:
    until = formats.date_format(timezone.localtime(failure.locked_until), "H:i")
    return Refused("sign_in_locked", until=until)
