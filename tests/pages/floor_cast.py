"""A small plant with a terminal and an operator whose PIN is known, for the tests of the terminal's pages."""

import itertools
import uuid
from dataclasses import dataclass
from typing import Any

from django.test import Client

from mes.accounts import badges, terminals
from mes.accounts.models import Badge, Terminal, User, digest_of
from mes.kernel.scanning import Kind, make_code
from tests.builders import Plant, plant
from workorders.models import Operation, WorkOrder

PIN = "2468"
_numbers = itertools.count(1)


@dataclass
class Cast:
    """The plant, its terminal and its operator."""

    plant: Plant
    terminal: Terminal
    secret: str
    user: User
    badge: str

    @property
    def badge_code(self) -> str:
        return make_code(Kind.BADGE, self.badge)

    def client(self, signed_in: bool = True) -> Client:
        client = Client()
        client.cookies[terminals.COOKIE] = self.secret
        if signed_in:
            client.post("/t/", {"badge": self.badge})
            client.post("/t/", {"pin": PIN})
        return client

    def order(self, **fields: Any) -> WorkOrder:
        fields.setdefault("item", "PUMP")
        return self.plant.order(**fields)

    def operation(self, order: WorkOrder, sequence: int = 10) -> Operation:
        return self.plant.operation(order, sequence)

    def traveler(self, operation: Operation) -> str:
        return make_code(Kind.OPERATION, f"{operation.order.number}.{operation.sequence}")


def cast(prefix: str | None = None, *, code: str = "PRESS-3") -> Cast:
    """A site of the test's own with one work center, its terminal, and an operator with badge and PIN."""
    # Upper case throughout: printed codes carry nothing else.
    made = plant(prefix or f"T{uuid.uuid4().hex[:8]}".upper())
    center = made.work_center(code)
    made.work_center("WC1")
    secret = f"{made.prefix}-terminal-{next(_numbers)}"
    terminal = Terminal.objects.create(
        site_id=made.site.pk, work_center_id=center.pk, name=code, token=digest_of(secret), millimetre="5.0"
    )
    actor = made.person("operator", "anna")
    user = User.objects.get(pk=actor.id)
    user.pin = badges.hashed_pin(PIN)
    user.save(update_fields=["pin"])
    badge = Badge.objects.get(user=user, revoked_at__isnull=True)
    return Cast(made, terminal, secret, user, badge.code)


def operations(*codes: str, minutes: str = "1") -> list[dict[str, Any]]:
    """Rows of a routing: one operation per work center code, ten apart."""
    return [
        {"sequence": 10 * place, "name": f"Step {place}", "work_center": code, "run_minutes_per_unit": minutes}
        for place, code in enumerate(codes, 1)
    ]
