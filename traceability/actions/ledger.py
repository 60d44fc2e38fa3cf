"""Writing movements: fact, balance and genealogy in one step, for lots the caller has locked. The only writer of all
three.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from mes.kernel.errors import Refused
from mes.kernel.locking import guard, lock
from mes.kernel.scope import current
from traceability.models import GenealogyLink, LotBalance, MaterialLot, MaterialMovement


def lock_balances(lot_ids: Iterable[int]) -> dict[tuple[int, int], LotBalance]:
    """The balance rows of the lots, locked, by (lot, location)."""
    rows = lock(LotBalance.objects.filter(lot_id__in=list(lot_ids)), "balance", order_by=("lot_id", "location_id"))
    return {(row.lot_id, row.location_id): row for row in rows}


COLUMNS = (
    "kind",
    "item_id",
    "lot_id",
    "location_id",
    "quantity",
    "unit_id",
    "order_id",
    "operation_id",
    "reason_id",
    "occurred_at",
    "reverses_id",
)
POST = """
WITH moved AS (
    INSERT INTO traceability_materialmovement ({columns}, site_id, actor_kind, person_id, command_id)
    VALUES {rows} RETURNING lot_id, location_id, quantity
), total AS (
    SELECT lot_id, location_id, sum(quantity) AS quantity FROM moved
     WHERE lot_id IS NOT NULL GROUP BY lot_id, location_id
), known AS (
    UPDATE traceability_lotbalance b SET quantity = b.quantity + t.quantity FROM total t
     WHERE b.lot_id = t.lot_id AND b.location_id = t.location_id RETURNING b.lot_id, b.location_id
)
INSERT INTO traceability_lotbalance (lot_id, location_id, quantity)
SELECT t.lot_id, t.location_id, t.quantity FROM total t
 WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.lot_id = t.lot_id AND k.location_id = t.location_id)
"""
_ROW = f"({', '.join(['%s'] * (len(COLUMNS) + 4))})"


def post(movements: Sequence[MaterialMovement]) -> None:
    """Insert MOVEMENTS and bring the balances of their lots along, in one statement however many they are.

    The caller has locked the lots, which is what keeps a balance to one writer. Refuses nothing: callers check first,
    the CHECK of the balance last.
    """
    scope = current()
    values: list[Any] = []
    for row in movements:
        values += [getattr(row, name) for name in COLUMNS]
        values += [scope.actor.site_id, scope.actor.kind, scope.actor.person_id, scope.command_id]
    if values:
        sql = POST.format(columns=", ".join(COLUMNS), rows=", ".join([_ROW] * len(movements)))
        with connection.cursor() as cursor:
            cursor.execute(sql, values)


def movement(
    kind: str,
    lot: MaterialLot,
    location_id: int,
    quantity: Decimal,
    at: datetime,
    **where: object,
) -> MaterialMovement:
    """An unsaved movement of a tracked lot in its item's unit."""
    return MaterialMovement(
        kind=kind,
        item_id=lot.item_id,
        lot=lot,
        location_id=location_id,
        quantity=quantity,
        unit_id=lot.item.unit_id,
        occurred_at=at,
        **where,
    )


NET = """
SELECT lot_id, -sum(quantity) FROM traceability_materialmovement
 WHERE order_id = %s AND kind = 'CONSUME' AND lot_id IS NOT NULL AND operation_id = ANY(%s)
 GROUP BY lot_id
"""


def consumed_net(order_id: int, operation_ids: Iterable[int]) -> dict[int, Decimal]:
    """What these operations of the order have net taken from each lot. Lots given back in full count as zero."""
    with connection.cursor() as cursor:
        cursor.execute(NET, [order_id, list(operation_ids)])
        return dict(cursor.fetchall())


Wanted = dict[int, dict[int, Decimal]]


def link(
    order_id: int, site_id: int, wanted: Wanted, numbers: dict[int, str], *, single: bool, new: int | None = None
) -> None:
    """Make the links into the order's output lots say what was consumed: WANTED maps target to source to net quantity.

    The caller has locked all these lots. A link of net zero goes. A new link into a lot that already feeds others takes
    the genealogy guard and walks for a cycle in the next statement. SINGLE: one lot came out, so the link is certain.
    NEW: a target this transaction made, which can have no links yet.
    Raises `genealogy_cycle`.
    """
    old = [target for target in wanted if target != new]
    rows = GenealogyLink.objects.filter(order_id=order_id, target_id__in=old) if old else []
    known = {(row.source_id, row.target_id): row for row in rows}
    certainty = GenealogyLink.SCANNED if single else GenealogyLink.POSSIBLE
    fresh, changed, gone = [], [], []
    for target_id, sources in wanted.items():
        for source_id, quantity in sources.items():
            row = known.get((source_id, target_id))
            if source_id == target_id and quantity > 0:
                raise Refused("genealogy_cycle", source=numbers[source_id], target=numbers[target_id])
            if quantity <= 0:
                gone += [row.pk] if row else []
            elif row is None:
                key = {"source_id": source_id, "target_id": target_id, "order_id": order_id}
                fresh.append(GenealogyLink(**key, quantity=quantity, certainty=certainty))
            elif (row.quantity, row.certainty) != (quantity, certainty):
                row.quantity, row.certainty = quantity, certainty
                changed.append(row)
    if fresh:
        _refuse_cycle([row for row in fresh if row.target_id != new], site_id, numbers)
        GenealogyLink.objects.bulk_create(fresh)
    if changed:
        GenealogyLink.objects.bulk_update(changed, ["quantity", "certainty"])
    if gone:
        GenealogyLink.objects.filter(pk__in=gone).delete()


WALK = """
WITH RECURSIVE reached(id) AS (
    SELECT unnest(%s::bigint[])
    UNION
    SELECT l.target_id FROM reached r JOIN traceability_genealogylink l ON l.source_id = r.id
)
SELECT id FROM reached WHERE id = ANY(%s) LIMIT 1
"""


def _refuse_cycle(fresh: list[GenealogyLink], site_id: int, numbers: dict[int, str]) -> None:
    """A new link closes a circle only if its target already leads somewhere; only then is the guard taken."""
    targets = sorted({row.target_id for row in fresh})
    if not targets:
        return
    sources = sorted({row.source_id for row in fresh})
    if not GenealogyLink.objects.filter(source_id__in=targets).exists():
        return
    guard("genealogy", site_id % 2**31)
    with connection.cursor() as cursor:
        # A statement of its own: its snapshot is taken after the guard, so it sees every link committed before.
        cursor.execute(WALK, [targets, sources])
        hit = cursor.fetchone()
    if hit:
        raise Refused("genealogy_cycle", source=numbers.get(hit[0], hit[0]), target=numbers.get(targets[0], targets[0]))
