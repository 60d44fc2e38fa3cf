"""Building blocks for tests: a plant of one's own with a number prefix, orders, lots and people, made through the
actions.
"""

import itertools
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from mes.accounts.models import Badge, User
from mes.execution import output, release, runs, undo
from mes.kernel.actors import PERSON, SERVICE, Actor, system
from quality.actions.plans import import_inspection_plans
from traceability.actions.lots import receive_lot
from traceability.models import MaterialLot
from workorders.actions import masterdata, receiving
from workorders.models import Item, Operation, Reason, Site, WorkCenter, WorkOrder

_numbers = itertools.count(1)


def command_id() -> uuid.UUID:
    return uuid.uuid4()


@dataclass
class Plant:
    """A site of the test's own. Everything in it carries its prefix, so tests that commit never meet."""

    prefix: str
    site: Site
    people: dict[str, Actor] = field(default_factory=dict)

    @property
    def system(self) -> Actor:
        return system(self.site.pk)

    def person(self, role: str = "operator", name: str | None = None) -> Actor:
        """A person of ROLE; the same name gives the same person."""
        key = name or role
        if key not in self.people:
            username = f"{self.prefix}-{key}"
            user = User.objects.create_user(username, name=key.title(), role=role, site_id=self.site.pk)
            Badge.objects.create(user=user, code=f"{self.prefix}{next(_numbers)}")
            self.people[key] = Actor(PERSON, user.pk, str(user), role, self.site.pk)
        return self.people[key]

    def service(self, role: str = "supervisor") -> Actor:
        return Actor(SERVICE, next(_numbers), f"{self.prefix} service", role, self.site.pk)

    def work_center(self, code: str = "WC1", **fields: Any) -> WorkCenter:
        center, _created = WorkCenter.objects.get_or_create(
            site=self.site, code=code, defaults={"name": code, **fields}
        )
        return center

    def item(self, code: str, tracking: str = Item.LOT, unit: str = "pc") -> Item:
        masterdata.import_items(
            actor=self.system,
            command_id=command_id(),
            rows=[{"code": code, "name": f"Item {code}", "unit": unit, "tracking": tracking}],
        )
        return Item.objects.get(site=self.site, code=code)

    def lot(self, item: str, number: str, quantity: Any = 100, **fields: Any) -> MaterialLot:
        results = receive_lot(
            actor=self.system,
            command_id=command_id(),
            rows=[{"item": item, "number": number, "quantity": str(quantity), **fields}],
        )
        assert results.rows[0].outcome == "created", results.rows[0].errors
        return MaterialLot.objects.get(item__site=self.site, item__code=item, number=number)

    def order(
        self,
        item: str = "FG",
        quantity: Any = 10,
        operations: int | list[dict[str, Any]] = 1,
        materials: list[dict[str, Any]] | None = None,
        released: bool = True,
        **fields: Any,
    ) -> WorkOrder:
        """An order with its own number. OPERATIONS is how many plain ones, or their rows."""
        if not Item.objects.filter(site=self.site, code=item).exists():
            self.item(item)
        self.work_center()
        rows = operations
        if isinstance(operations, int):
            rows = [{"sequence": 10 * place, "work_center": "WC1"} for place in range(1, operations + 1)]
        number = fields.pop("number", f"{self.prefix}-{next(_numbers)}")
        row = {
            "number": number,
            "item": item,
            "quantity": str(quantity),
            "operations": rows,
            "materials": materials or [],
            **fields,
        }
        results = receiving.import_orders(actor=self.system, rows=[row], command_id=command_id())
        assert results.rows[0].outcome == "created", results.rows[0].errors
        order = WorkOrder.objects.get(site=self.site, number=number)
        if released:
            release.release_order(actor=self.system, order_id=order.pk, command_id=command_id())
            order.refresh_from_db()
        return order

    def operation(self, order: WorkOrder, sequence: int = 10) -> Operation:
        return order.operations.exclude(state="CANCELLED").get(sequence=sequence)

    def plan(self, item: str, operation: int = 10, lower: str = "9", upper: str = "11", code: str = "dia") -> None:
        import_inspection_plans(
            actor=self.system,
            command_id=command_id(),
            rows=[
                {
                    "item": item,
                    "operation": operation,
                    "characteristics": [
                        {"code": code, "name": "Diameter", "unit": "mm", "lower": lower, "upper": upper}
                    ],
                }
            ],
        )


def plant(prefix: str | None = None, time_zone: str = "UTC") -> Plant:
    """A new site with the usual reasons and one work center."""
    prefix = prefix or f"T{uuid.uuid4().hex[:8]}"
    site = Site.objects.create(code=prefix, name=prefix, time_zone=time_zone)
    for kind, code in [
        ("SCRAP", "CRACK"),
        ("SCRAP", "SIZE"),
        ("HOLD", "CHECK"),
        ("ADJUST", "COUNT"),
        ("DOWNTIME", "BREAK"),
        ("SKIP", "NOT_NEEDED"),
    ]:
        Reason.objects.create(site=site, kind=kind, code=code, text=code.title())
    return Plant(prefix, site)


@dataclass
class Doer:
    """One actor's hands: the floor acts without the bookkeeping of command ids."""

    actor: Actor

    def start(self, operation: Operation, **more: Any) -> uuid.UUID:
        return self._do(runs.start_operation, operation_id=operation.pk, **more)

    def suspend(self, operation: Operation, **more: Any) -> uuid.UUID:
        return self._do(runs.suspend_operation, operation_id=operation.pk, **more)

    def consume(self, operation: Operation, lot: Any, quantity: Any, **more: Any) -> uuid.UUID:
        return self._do(output.consume_material, operation_id=operation.pk, lot=lot, quantity=quantity, **more)

    def report(self, operation: Operation, good: Any = 0, **more: Any) -> uuid.UUID:
        return self._do(output.report_output, operation_id=operation.pk, good=good, **more)

    def complete(self, operation: Operation, good: Any = 0, **more: Any) -> uuid.UUID:
        return self._do(output.complete_operation, operation_id=operation.pk, good=good, **more)

    def undo(self, target: uuid.UUID, **more: Any) -> uuid.UUID:
        return self._do(undo.undo_command, target=target, **more)

    def _do(self, act: Any, **arguments: Any) -> uuid.UUID:
        made = arguments.pop("command_id", None) or command_id()
        act(actor=self.actor, command_id=made, **arguments)
        return made


def buckets(operation: Operation) -> dict[str, Decimal]:
    """The buckets of an operation as they are in the database, without the zeros."""
    from workorders.models import BUCKETS

    operation.refresh_from_db()
    return {name: getattr(operation, name) for name in BUCKETS if getattr(operation, name)}


@contextmanager
def as_a_command() -> Iterator[None]:
    """Within this, states may be set as no action would: the database asks only whether some command does it."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """SELECT set_config('mes.command_id', %(id)s, true), set_config('pghistory.context_id', %(id)s, true),
                      set_config('pghistory.context_metadata', '{"command": "made up"}', true)""",
            {"id": str(command_id())},
        )
        yield
