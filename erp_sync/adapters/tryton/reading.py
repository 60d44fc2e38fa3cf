"""Which rows of Tryton make up each record we pull, in which order, and since when. Interprets no content."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from erp_sync.adapters.errors import ContractError
from erp_sync.adapters.tryton import values
from erp_sync.adapters.tryton.client import TrytonClient
from erp_sync.messages import Cursor, Entity, Page, RawRecord

STAMP = "last_modified_at"
EVEN_INACTIVE = ["active", "in", [True, False]]
MOST_MOVED = 500
_LINE = ("product.code", "quantity", "unit.symbol")


@dataclass(frozen=True)
class Source:
    """A model and its fields. `parts` are paths to rows whose change is a change of the record, with their models."""

    model: str
    fields: tuple[str, ...]
    parts: tuple[tuple[str, str], ...] = ()
    domain: tuple[Any, ...] = ()
    first_domain: tuple[Any, ...] = ()
    """Narrows the very first pull, when what is long over is of no interest."""

    @property
    def all_fields(self) -> list[str]:
        return [*self.fields, STAMP, *(f"{path}.{STAMP}" for path, _ in self.parts)]


SOURCES: dict[Entity, Source] = {
    Entity.UNIT: Source(
        "product.uom",
        ("symbol", "name", "category.name", "factor", "rate", "digits", "active"),
        domain=(EVEN_INACTIVE,),
    ),
    Entity.ITEM: Source(
        "product.product",
        ("code", "name", "default_uom.symbol", "lot_required", "producible", "active", "type"),
        parts=(("template", "product.template"),),
        domain=(EVEN_INACTIVE, ["type", "in", ["goods", "assets"]]),
    ),
    Entity.WORK_CENTER: Source(
        "production.work.center",
        ("name", "parent.name", "children", "category.name", "active"),
        domain=(EVEN_INACTIVE,),
    ),
    Entity.BOM: Source(
        "production.bom",
        (
            "name",
            "code",
            "active",
            "phantom",
            *(f"inputs.{name}" for name in (*_LINE, "phantom_bom.name")),
            *(f"outputs.{name}" for name in _LINE),
        ),
        parts=(("inputs", "production.bom.input"), ("outputs", "production.bom.output")),
        domain=(EVEN_INACTIVE,),
    ),
    Entity.ROUTING: Source(
        "production.routing",
        (
            "name",
            "active",
            "boms",
            "steps.sequence",
            "steps.operation.name",
            "steps.operation.work_center_category.name",
        ),
        parts=(("steps", "production.routing.step"), ("steps.operation", "production.routing.operation")),
        domain=(EVEN_INACTIVE,),
    ),
    Entity.LOT: Source("stock.lot", ("number", "product.code", "product.default_uom.symbol")),
    Entity.ORDER: Source(
        "production",
        (
            "number",
            "reference",
            "state",
            "quantity",
            "unit.symbol",
            "product.code",
            "bom.name",
            "bom.code",
            "routing.name",
            "planned_start_date",
            "planned_date",
            "works.sequence",
            "works.operation.name",
            "works.work_center.name",
            *(f"inputs.{name}" for name in (*_LINE, "lot.number", "state")),
            *(f"outputs.{name}" for name in (*_LINE, "state")),
        ),
        parts=(("inputs", "stock.move"), ("works", "production.work")),
        first_domain=(["state", "in", ["waiting", "assigned", "running"]],),
    ),
}


class Reader:
    """Reads pages of raw records. `overlap` reaches back behind the last high-water mark for rows committed late."""

    def __init__(self, client: TrytonClient, overlap: timedelta) -> None:
        self._client = client
        self._overlap = overlap

    def page(self, entity: Entity, cursor: Cursor, limit: int) -> Page:
        """A pass goes through the keys in rising order, so that changes under way move no row across a page border.

        The mark for the next pass is the newest change the ERP knew when this pass began: what changes while it is
        under way is newer and comes with the next one.
        """
        source = SOURCES[entity]
        mark = cursor.pass_high_water if cursor.after_key else self._newest(entity)
        domain: list[Any] = [*source.domain, ["id", ">", cursor.after_key]]
        if cursor.high_water:
            domain.append(self._changed(entity, cursor.high_water - self._overlap))
        else:
            domain += source.first_domain
        rows = self._client.search_read(source.model, domain, source.all_fields, limit=limit + 1)
        records = self._records(entity, rows[:limit])
        if len(rows) > limit:
            return Page(records, Cursor(cursor.high_water, rows[limit - 1]["id"], mark), more=True)
        return Page(records, Cursor(mark or cursor.high_water), more=False)

    def one(self, entity: Entity, key: str) -> RawRecord | None:
        if not key.isdigit():
            return None
        source = SOURCES[entity]
        domain = [rule for rule in source.domain if rule == EVEN_INACTIVE]
        rows = self._client.search_read(source.model, [*domain, ["id", "=", int(key)]], source.all_fields)
        found = self._records(entity, rows)
        return found[0] if found else None

    # -------------------------------------------------------------------------------------------------------- since

    def _newest(self, entity: Entity) -> datetime | None:
        source = SOURCES[entity]
        models = [source.model, *(model for _, model in source.parts)]
        if entity is Entity.LOT:
            models.append("stock.move")
        stamps = []
        for model in models:
            rows = self._client.search_read(model, [], [STAMP], limit=1, order=[[STAMP, "DESC"]])
            stamps += [values.instant(row[STAMP]) for row in rows]
        return max((stamp for stamp in stamps if stamp), default=None)

    def _changed(self, entity: Entity, since: datetime) -> list[Any]:
        source = SOURCES[entity]
        alternatives: list[Any] = [[STAMP, ">=", since]]
        alternatives += [[f"{path}.{STAMP}", ">=", since] for path, _ in source.parts]
        if entity is Entity.LOT:
            moved = self._client.search_read(
                "stock.move",
                [["lot", "!=", None], ["state", "=", "done"], [STAMP, ">=", since]],
                ["lot"],
                limit=MOST_MOVED,
            )
            if len(moved) == MOST_MOVED:
                return []
            alternatives.append(["id", "in", sorted({row["lot"] for row in moved})])
        return ["OR", *alternatives]

    # ------------------------------------------------------------------------------------------------------ records

    def _records(self, entity: Entity, rows: list[dict[str, Any]]) -> tuple[RawRecord, ...]:
        if not rows:
            return ()
        if entity in (Entity.LOT, Entity.ITEM):
            self._add_stock(entity, rows)
        elif entity in (Entity.BOM, Entity.ROUTING):
            self._add_items(entity, rows)
        paths = [path for path, _ in SOURCES[entity].parts]
        return tuple(RawRecord(entity, str(row["id"]), _modified(row, paths), _settled(row)) for row in rows)

    def _add_stock(self, entity: Entity, rows: list[dict[str, Any]]) -> None:
        """What lies in the storage of each warehouse; goods on their way in or out are not there yet or no more."""
        by_id = {row["id"]: row for row in rows}
        for row in rows:
            row["stock"] = []
        storages = self._client.search_read(
            "stock.location", [["type", "=", "warehouse"]], ["code", "storage_location.code", "storage_location.name"]
        )
        for warehouse in storages:
            place = warehouse["storage_location."]
            found = self._client.search_read(
                SOURCES[entity].model,
                [EVEN_INACTIVE, ["id", "in", list(by_id)]] if entity is Entity.ITEM else [["id", "in", list(by_id)]],
                ["quantity"],
                context={"locations": [place["id"]], "with_childs": True},
            )
            for row in found:
                if row["quantity"]:
                    by_id[row["id"]]["stock"].append([place["code"] or place["name"], row["quantity"]])

    def _add_items(self, entity: Entity, rows: list[dict[str, Any]]) -> None:
        """Which items are made by a BOM or a routing is said by a third model."""
        link = "bom" if entity is Entity.BOM else "routing"
        links = self._client.search_read(
            "product.product-production.bom", [[link, "in", [row["id"] for row in rows]]], ["product.code", "bom", link]
        )
        for row in rows:
            row["items"] = sorted({each["product."]["code"] or "" for each in links if each[link] == row["id"]})


def _modified(row: dict[str, Any], paths: list[str]) -> datetime:
    stamps = [values.instant(row[STAMP])]
    for path in paths:
        stamps += [values.instant(part.pop(STAMP)) for part in _parts(row, path.split(".")) if STAMP in part]
    newest = max((stamp for stamp in stamps if stamp), default=None)
    if newest is None:
        raise ContractError("The ERP sent a record without the time of its last change.")
    return newest


def _parts(row: dict[str, Any], path: list[str]) -> Iterator[dict[str, Any]]:
    if not path:
        yield row
        return
    below = row.get(f"{path[0]}.")
    for each in below if isinstance(below, list) else [below]:
        if each is not None:
            yield from _parts(each, path[1:])


def _settled(value: Any) -> Any:
    """Rows below a record come in any order; by key the same content is always the same text."""
    if isinstance(value, dict):
        return {name: _settled(part) for name, part in value.items() if name != STAMP}
    if isinstance(value, list):
        if all(isinstance(part, dict) and "id" in part for part in value):
            return [_settled(part) for part in sorted(value, key=lambda part: int(part["id"]))]
        if all(isinstance(part, int) for part in value):
            return sorted(value)
    return value
