"""Tokens of other systems: made once, stored as a hash, read from the Authorization header, joined with a person's
badge.
"""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from mes.accounts.models import ApiToken, Badge, digest_of, new_token
from mes.kernel import scanning
from mes.kernel.actors import PERSON, SERVICE, Actor
from mes.kernel.errors import Refused

LIFE = timedelta(days=365)
#: The last use is written at most once in this time; a token read must not cost a write each.
STAMP_EVERY = timedelta(minutes=5)


def create_token(*, role: str, name: str, site_id: int) -> str:
    """A new token for SITE in ROLE, valid for a year. The text is returned once and can never be read again."""
    secret = new_token()
    ApiToken.objects.create(
        name=name, role=role, site_id=site_id, token=digest_of(secret), expires_at=timezone.now() + LIFE
    )
    return secret


def token_of(header: str) -> ApiToken:
    """The valid token of an `Authorization: Bearer …` header. Raises `unauthenticated`."""
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret:
        raise Refused("unauthenticated")
    now = timezone.now()
    token = ApiToken.objects.filter(
        Q(revoked_at__isnull=True), token=digest_of(secret.strip()), expires_at__gt=now
    ).first()
    if token is None:
        raise Refused("unauthenticated")
    if token.last_used_at is None or now - token.last_used_at > STAMP_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def actor_for(token: ApiToken, badge: str | None = None, terminal_id: int | None = None) -> Actor:
    """The actor of a call: the person of BADGE (both roles must then allow the act), else the token's own account."""
    if not badge:
        return Actor(SERVICE, token.pk, token.name, token.role, token.site_id, terminal_id)
    person = person_of_badge(badge, token.site_id)
    if person is None:
        raise Refused("badge_unknown", badge=badge)
    user = person.user
    return Actor(PERSON, user.pk, str(user), user.role, token.site_id, terminal_id, also_role=token.role)


def person_of_badge(code: str, site_id: int) -> Badge | None:
    """The open badge CODE of an active person of the site, given bare or in its printed form."""
    scan = scanning.parse(code)
    payload = (
        scan.payload if isinstance(scan, scanning.ScannedCode) and scan.kind is scanning.Kind.BADGE else code.strip()
    )
    if not payload.isprintable():
        return None
    return (
        Badge.objects.select_related("user")
        .filter(code=payload, revoked_at__isnull=True, user__is_active=True, user__site_id=site_id)
        .first()
    )
