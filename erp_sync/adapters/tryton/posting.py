"""Makes a Tryton order hold a completed order of ours: look, take one step, look again, until nothing is missing."""

import time
from datetime import UTC, datetime, timedelta

from erp_sync.adapters.errors import (
    Ambiguous,
    NeedsDecision,
    Rejected,
    Stale,
    UnitMismatch,
    UnknownReference,
)
from erp_sync.adapters.tryton import lines, plan
from erp_sync.adapters.tryton.client import Refused, TrytonClient
from erp_sync.adapters.tryton.demands import require_rights
from erp_sync.adapters.tryton.plan import Act, Step, next_step
from erp_sync.adapters.tryton.state import Snapshot, read_snapshot, read_units
from erp_sync.adapters.tryton.target import Resolver, Target
from erp_sync.facts import OrderCompletion
from erp_sync.messages import Issue, Receipt, ReceiptStatus, Severity

MOST_STEPS = 40
#: Seconds after which a posting is left where it stands; the next attempt goes on from there. Less than a lease.
PATIENCE = 80.0
MOST_COLLISIONS = 4


class Posting:
    """One fact and the conversation about it. Every step is one ERP transaction.

    Steps that create something carry the time stamp of the order as last read, so that of two workers who saw the
    same gap only one fills it; steps that change a state are refused by the ERP the second time.
    """

    def __init__(self, client: TrytonClient, fact: OrderCompletion, accepted: frozenset[str] = frozenset()) -> None:
        self._client = client
        self._fact = fact
        self._accepted = accepted
        self.wrote = False
        self._units = read_units(client)
        self._resolver = Resolver(client, fact, self._units)

    # --------------------------------------------------------------------------------------------------------- entry

    def push(self) -> Receipt:
        """Raises the adapter's errors; whatever was done until then stays and is found by the next attempt."""
        tried: Step | None = None
        collisions = 0
        status = ReceiptStatus.ALREADY_POSTED
        began = time.monotonic()
        for _ in range(MOST_STEPS):
            order, target, step = self._look(tried)
            if step is None:
                return self._receipt(order, target, status)
            if time.monotonic() - began > PATIENCE:
                raise Ambiguous(f"The ERP is too slow to finish order {order.number} in one go.")
            status = ReceiptStatus.POSTED
            self.wrote = True
            try:
                self._take(step, order, target)
                tried = step
            except Stale:
                collisions += 1
                if collisions >= MOST_COLLISIONS:
                    raise
                tried = None
            except Refused as refusal:
                require_rights(self._client)
                if self._read() == order:
                    raise Rejected("erp_rule", f"The ERP refuses: {refusal.text}") from refusal
                collisions += 1
                if collisions >= MOST_COLLISIONS:
                    raise Stale(f"Order {order.number} keeps changing in the ERP while we post it.") from refusal
                tried = None
        raise Stale(f"Order {self._fact.order} was not done in the ERP after {MOST_STEPS} steps.")

    def find(self) -> Receipt | None:
        try:
            order, target, step = self._look(None)
        except (UnknownReference, UnitMismatch, Rejected):
            return None
        return self._receipt(order, target, ReceiptStatus.ALREADY_POSTED) if step is None else None

    @classmethod
    def checked(cls, client: TrytonClient, fact: OrderCompletion) -> list[Issue]:
        """A dry run: reads what a push would read, and says what would stop it."""
        try:
            posting = cls(client, fact)
            order, target, _ = posting._look(None)
        except NeedsDecision as question:
            return [Issue(Severity.WARNING, question.code, question.text)]
        except Rejected as refusal:
            return [Issue(Severity.ERROR, refusal.code, refusal.text)]
        except UnknownReference as unknown:
            return [Issue(Severity.ERROR, f"unknown_{unknown.entity}", unknown.text)]
        except UnitMismatch as mismatch:
            return [Issue(Severity.ERROR, "unit_mismatch", mismatch.text)]
        if any(line.waste for line in target.outputs) and posting._waste_location(order) is None:
            return [Issue(Severity.ERROR, "no_waste_location", _no_waste(order))]
        return [
            Issue(
                Severity.WARNING,
                "rounding",
                f"The ERP's decimals leave {residue} {unit} of {item} unposted.",
            )
            for item, residue, unit in target.residues
        ]

    # ---------------------------------------------------------------------------------------------------------- look

    def _look(self, tried: Step | None) -> tuple[Snapshot, Target, Step | None]:
        order = self._read()
        target = self._resolver.resolve(order)
        step = next_step(order, target, self._units, user=self._client.user_id, accepted=self._accepted, tried=tried)
        return order, target, step

    def _read(self) -> Snapshot:
        return read_snapshot(self._client, int(self._fact.order_key))

    def _receipt(self, order: Snapshot, target: Target, status: ReceiptStatus) -> Receipt:
        return Receipt(
            status=status,
            erp_key=str(order.id),
            erp_number=order.number,
            confirmed_at=datetime.now(UTC) + (self._client.clock_offset or timedelta()),
            digest=self._fact.digest,
            residues=target.residues,
        )

    # ---------------------------------------------------------------------------------------------------------- take

    def _take(self, step: Step, order: Snapshot, target: Target) -> None:
        if isinstance(step, Act):
            self._act(step, order, target)
        elif isinstance(step, plan.OpenCycles):
            opened: list[object] = []
            for work in step.works:
                opened += [[work], {"cycles": [["create", [{}]]]}]
            self._set(order, {"works": [["write", *opened]]})
        elif isinstance(step, plan.RunCycles):
            self._write("production.work.cycle", "run", list(step.cycles))
        elif isinstance(step, plan.SetDurations):
            pairs: list[object] = []
            for cycle, duration in step.durations:
                pairs += [[cycle], {"duration": duration}]
            self._write("production.work.cycle", "write", *pairs)
        elif isinstance(step, plan.FinishCycles):
            self._write("production.work.cycle", "do", list(step.cycles))
        else:
            self._make_lots(step)

    def _act(self, act: Act, order: Snapshot, target: Target) -> None:
        match act:
            case Act.TAKE_BACK:
                self._write("production", "wait", [order.id])
            case Act.SET_INPUTS:
                picking = self._place(order, "production_picking_location")
                self._set(order, {"inputs": lines.input_actions(order, target, picking_location=picking)})
            case Act.ASSIGN:
                self._write("production", "assign_try", [order.id])
            case Act.ASSIGN_BY_FORCE:
                self._write("production", "assign_force", [order.id])
            case Act.RUN:
                self._write("production", "run", [order.id])
            case Act.SET_OUTPUTS:
                waste = self._waste_location(order)
                if waste is None and any(line.waste for line in target.outputs):
                    raise Rejected("no_waste_location", _no_waste(order))
                actions = lines.output_actions(
                    order,
                    target,
                    self._units,
                    output_location=self._place(order, "production_output_location"),
                    waste_location=waste,
                    currency=self._currency(order),
                )
                self._set(order, {"outputs": actions})
            case Act.FINISH:
                self._write("production", "do", [order.id])

    def _set(self, order: Snapshot, changes: dict[str, object]) -> None:
        self._client.write(
            "production", "write", [order.id], changes, unchanged_since=order.guard, accepted=self._accepted
        )

    def _write(self, model: str, method: str, *params: object) -> None:
        self._client.write(model, method, *params, accepted=self._accepted)

    def _make_lots(self, step: plan.MakeLots) -> None:
        """Lot numbers are not unique in the ERP: who finds that another made the same lot first takes his own away."""
        made = self._client.write(
            "stock.lot", "create", [{"number": number, "product": product} for product, number in step.lots]
        )
        for lot, (product, number) in zip(made, step.lots, strict=True):
            twins = self._client.read("stock.lot", "search", [["number", "=", number], ["product", "=", product]])
            if min(twins, default=lot) != lot:
                try:
                    self._client.write("stock.lot", "delete", [lot])
                except Refused:
                    continue

    # -------------------------------------------------------------------------------------------------------- places

    def _place(self, order: Snapshot, field: str) -> int:
        row = self._client.search_read("stock.location", [["id", "=", order.warehouse]], [field, "storage_location"])[0]
        return int(row[field] or row["storage_location"])

    def _waste_location(self, order: Snapshot) -> int | None:
        rows = self._client.search_read("stock.location", [["waste_warehouses", "=", order.warehouse]], ["id"], limit=1)
        return int(rows[0]["id"]) if rows else None

    def _currency(self, order: Snapshot) -> int:
        known = next((move.currency for move in order.outputs if move.currency), None)
        if known is not None:
            return known
        return int(
            self._client.search_read("company.company", [["id", "=", order.company]], ["currency"])[0]["currency"]
        )


def _no_waste(order: Snapshot) -> str:
    return f"The warehouse of order {order.number} has no waste location in the ERP, so scrap has no place to go."
