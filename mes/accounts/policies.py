"""Who may do what: one matrix of actions and roles. Commands ask it by their name, pages by their decorator."""

import csv
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from mes.kernel.actors import PERSON, Actor
from mes.kernel.errors import Refused

MATRIX_FILE = Path(__file__).with_name("matrix.csv")


@functools.cache
def matrix() -> dict[str, frozenset[str]]:
    """For each action the roles that may do it."""
    with MATRIX_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["action"]: frozenset(role for role, answer in row.items() if answer == "yes") for row in rows}


def may(role: str, action: str) -> bool:
    """Whether ROLE may do ACTION. An action that the matrix does not list is open to nobody."""
    return role in matrix().get(action, frozenset())


def authorise(actor: Actor, action: str) -> None:
    """Raise `forbidden` unless the actor's role, and the role of the token that carried a badge, may do ACTION."""
    for role in (actor.role, actor.also_role):
        if role and not may(role, action):
            raise Refused("forbidden", role=role, action=action)


View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def allows(action: str) -> Callable[[View], View]:
    """A page for signed-in people whose role may do ACTION. Others are sent to sign in, or get 403."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            if not may(request.user.role, action):
                raise PermissionDenied(action)
            return view(request, *args, **kwargs)

        guarded.policy = action  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def open_to(whom: str) -> Callable[[View], View]:
    """A page without sign-in, with the reason why: `@open_to("everybody: the sign-in page itself")`."""

    def decorate(view: View) -> View:
        view.policy = f"open: {whom}"  # type: ignore[attr-defined]
        return view

    return decorate


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person of a desk page as an actor."""
    user = request.user
    if not user.is_authenticated:
        raise Refused("unauthenticated")
    return Actor(PERSON, user.pk, str(user), user.role, user.site_id)
