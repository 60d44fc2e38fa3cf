"""The one-time code of an empty installation: made by the run, used by whoever founds the plant."""

import secrets

from django.db import transaction

from mes.accounts.actions.people import ALPHABET
from mes.accounts.models import FirstAdminCode, User, digest_of
from mes.kernel.errors import Refused
from mes.kernel.scope import current

GROUPS, GROUP = 4, 4


def make_code() -> str:
    """A new code, about 77 random bits in groups that can be read aloud; only its hash is kept. For the command line.

    Raises `first_run_over` when somebody exists already.
    """
    with transaction.atomic():
        if not is_first_run():
            raise Refused("first_run_over")
        code = "-".join("".join(secrets.choice(ALPHABET) for _place in range(GROUP)) for _group in range(GROUPS))
        FirstAdminCode.objects.create(code=first_digest(code))
    return code


def is_first_run() -> bool:
    """Whether nobody exists who could sign in."""
    return not User.objects.exists()


def first_digest(code: str) -> str:
    """How CODE is kept; typed without its dashes or in small letters it is the same."""
    return digest_of("".join(char for char in code.upper() if char.isalnum()))


def use_code(digest: str) -> None:
    """Void every code because this one was right. Inside a command; two who do it at once meet at the rows.

    Raises `first_code_wrong`, `first_run_over`.
    """
    if not is_first_run():
        raise Refused("first_run_over")
    if not FirstAdminCode.objects.filter(code=digest, used_at__isnull=True).exists():
        raise Refused("first_code_wrong")
    if not FirstAdminCode.objects.filter(used_at__isnull=True).update(used_at=current().now):
        raise Refused("first_run_over")
