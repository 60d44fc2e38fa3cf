"""One order as a child would keep it: states, heaps of pieces, one lot of material. The test compares, not this."""

from dataclasses import dataclass, field

PLACES = ("queue", "in_process", "finished", "moved", "scrap", "rework", "short", "passed")


@dataclass
class ModelOperation:
    """One operation as a child would keep it: a state, a worker, and heaps of pieces."""

    state: str = "WAITING"
    heaps: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))
    working: bool = False
    consumed: int = 0

    @property
    def open(self) -> int:
        return self.heaps["queue"] + self.heaps["in_process"]

    def arrive(self, amount: int) -> None:
        """Pieces come in, and the operation is what it must be to take them."""
        if self.state == "SKIPPED":
            self.heaps["passed"] += amount
            return
        self.heaps["in_process" if self.state == "RUNNING" else "queue"] += amount
        self.state = {"WAITING": "READY", "COMPLETED": "SUSPENDED"}.get(self.state, self.state)

    def take(self, amount: int, into: str) -> None:
        from_process = min(self.heaps["in_process"], amount)
        self.heaps["in_process"] -= from_process
        self.heaps["queue"] -= amount - from_process
        self.heaps[into] += amount


@dataclass
class Model:
    """Two operations in a row, one lot of material, one hold."""

    quantity: int
    balance: int
    order: str = "PLANNED"
    held: bool = False
    operations: list[ModelOperation] = field(default_factory=lambda: [ModelOperation(), ModelOperation()])

    def workable(self) -> bool:
        return self.order in ("RELEASED", "RUNNING") and not self.held

    def start(self, place: int) -> bool:
        operation = self.operations[place]
        if not self.workable() or operation.working or operation.state not in ("READY", "SUSPENDED"):
            return False
        operation.state, operation.working, self.order = "RUNNING", True, "RUNNING"
        operation.heaps["in_process"] += operation.heaps["queue"]
        operation.heaps["queue"] = 0
        return True

    def suspend(self, place: int) -> bool:
        operation = self.operations[place]
        if operation.state != "RUNNING":
            return False
        operation.state, operation.working = "SUSPENDED", False
        return True

    def consume(self, place: int, amount: int) -> bool:
        operation = self.operations[place]
        if not self.workable() or place != 0 or operation.state not in ("RUNNING", "SUSPENDED"):
            return False
        if amount <= 0 or amount > self.balance:
            return False
        self.balance -= amount
        operation.consumed += amount
        return True

    def report(self, place: int, good: int, scrap: int, rework: int) -> bool:
        operation, total = self.operations[place], good + scrap + rework
        if not self.workable() or operation.state not in ("RUNNING", "SUSPENDED"):
            return False
        if total == 0 or total > operation.open:
            return False
        self._book(operation, good, scrap, rework)
        return True

    def _book(self, operation: ModelOperation, good: int, scrap: int, rework: int) -> None:
        operation.take(good, "finished")
        operation.take(scrap, "scrap")
        operation.take(rework, "rework")
        operation.heaps["in_process" if operation.state == "RUNNING" else "queue"] += rework

    def complete(self, place: int, good: int, scrap: int, remainder: str | None) -> bool:
        operation = self.operations[place]
        if operation.state not in ("RUNNING", "SUSPENDED") or not self.workable():
            return False
        if good + scrap > operation.open:
            return False
        left = operation.open - good - scrap
        if left and remainder is None:
            return False
        completes = not left or remainder != "OPEN"
        if completes and place == 1 and self.operations[0].state not in ("COMPLETED", "SKIPPED"):
            return False
        self._book(operation, good, scrap, 0)
        operation.working = False
        if left and remainder == "OPEN":
            operation.state = "SUSPENDED"
            return True
        operation.take(left, "short" if remainder == "SHORT" else "scrap")
        operation.state = "COMPLETED"
        if place == 0:
            passed = operation.heaps["finished"]
            operation.heaps["moved"] += passed
            operation.heaps["finished"] = 0
            following = self.operations[1]
            if passed:
                following.arrive(passed)
            elif following.state == "WAITING":
                following.state = "SKIPPED"
        if all(one.state in ("COMPLETED", "SKIPPED") for one in self.operations):
            self.order = "DONE"
        return True

    def paper(self, place: int, good: int, completes: bool) -> bool:
        """Somebody's hour, entered afterwards: began, reported, ended as one act."""
        if not self.start(place):
            return False
        if completes:
            return self.complete(place, good, 0, "SHORT")
        if good and not self.report(place, good, 0, 0):
            return False
        return self.suspend(place)

    def resize(self, delta: int) -> bool:
        first = self.operations[0]
        if self.order not in ("RELEASED", "RUNNING") or delta == 0 or self.quantity + delta <= 0:
            return False
        if delta < 0:
            if -delta > first.open:
                return False
            from_queue = min(first.heaps["queue"], -delta)
            first.heaps["queue"] -= from_queue
            first.heaps["in_process"] -= -delta - from_queue
        else:
            first.arrive(delta)
        self.quantity += delta
        return True

    def split(self, amount: int) -> bool:
        first = self.operations[0]
        if self.order not in ("RELEASED", "RUNNING") or not 0 < amount <= min(first.heaps["queue"], self.quantity - 1):
            return False
        first.heaps["queue"] -= amount
        self.quantity -= amount
        return True
