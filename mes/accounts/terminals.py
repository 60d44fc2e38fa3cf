"""Enrolled terminals: pairing by a ten-minute code or by a signed-in supervisor, recognition by a token cookie.

Revocation is a command, in `actions/terminals.py`.
"""

import secrets
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from mes.accounts.models import Terminal, digest_of, new_token
from mes.accounts.policies import authorise
from mes.kernel.actors import Actor
from mes.kernel.errors import Refused

COOKIE = "mes_terminal"
#: No letters that are easily confused when read aloud or typed.
ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LIFE = timedelta(minutes=10)
SEEN_EVERY = timedelta(seconds=30)


def open_pairing(*, actor: Actor, name: str, work_center_id: int) -> Terminal:
    """A terminal waiting for its browser, with a code that lives ten minutes. For those who may `enrol_terminal`."""
    authorise(actor, "enrol_terminal")
    return Terminal.objects.create(
        site_id=actor.site_id,
        name=name,
        work_center_id=work_center_id,
        pairing_code="".join(secrets.choice(ALPHABET) for _ in range(6)),
        pairing_until=timezone.now() + CODE_LIFE,
        created_by_id=actor.person_id,
    )


def pair(code: str) -> tuple[Terminal, str]:
    """The terminal of CODE and its new token, for the cookie. The code works once. Raises `pairing_code_wrong`."""
    secret = new_token()
    now = timezone.now()
    wanted = code.strip().upper()
    waiting = Terminal.objects.filter(pairing_code=wanted, pairing_until__gt=now, revoked_at__isnull=True)
    is_code = wanted.isascii() and wanted.isalnum()
    if not is_code or not waiting.update(token=digest_of(secret), pairing_code="", pairing_until=None, enrolled_at=now):
        raise Refused("pairing_code_wrong")
    return Terminal.objects.get(token=digest_of(secret)), secret


def enrol_here(*, actor: Actor, name: str, work_center_id: int) -> tuple[Terminal, str]:
    """Pair the browser a supervisor is signed in at, without the walk for a code."""
    waiting = open_pairing(actor=actor, name=name, work_center_id=work_center_id)
    return pair(waiting.pairing_code)


def terminal_of(secret: str | None) -> Terminal | None:
    """The enrolled, unrevoked terminal of a token cookie, its last-seen time kept roughly fresh."""
    if not secret:
        return None
    terminal = Terminal.objects.filter(token=digest_of(secret), revoked_at__isnull=True).first()
    now = timezone.now()
    if terminal and (terminal.last_seen_at is None or now - terminal.last_seen_at > SEEN_EVERY):
        Terminal.objects.filter(pk=terminal.pk).update(last_seen_at=now)
    return terminal


def calibrate(terminal: Terminal, millimetre: Decimal) -> None:
    """Keep how many pixels of the terminal's screen make a millimetre."""
    Terminal.objects.filter(pk=terminal.pk).update(millimetre=millimetre)
