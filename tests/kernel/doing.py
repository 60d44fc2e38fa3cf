"""Commands made up for tests: a body of one's own, a change that can be counted, a second session in the way."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from mes.kernel.commands import Outcome, run
from mes.kernel.events import emit
from tests.builders import Plant, command_id
from workorders.models import Reason


def go(
    works: Plant,
    body: Callable[[], Any],
    made: uuid.UUID | None = None,
    mark: bytes = b"the same",
) -> Outcome:
    """BODY as a command of the system. What it returns is the outcome, else there is one without content."""
    return run(
        name="place_hold",
        actor=works.system,
        command_id=made or command_id(),
        fingerprint=mark,
        body=lambda: body() or Outcome(200, {}),
    )


def note(works: Plant, text: str) -> None:
    """A change that can be counted, and its event."""
    Reason.objects.create(site=works.site, kind="OVERRIDE", code=text, text=text)
    emit("reason.noted", subject=f"reason:{works.prefix}", label=text, payload={"code": text})


def noted(works: Plant) -> list[str]:
    return sorted(Reason.objects.filter(site=works.site, kind="OVERRIDE").values_list("code", flat=True))


@contextmanager
def another_session() -> Iterator[Any]:
    """A second connection to the same database, in a transaction of its own."""
    other = connection.copy()
    other.set_autocommit(False)
    try:
        yield other
    finally:
        other.rollback()
        other.close()
