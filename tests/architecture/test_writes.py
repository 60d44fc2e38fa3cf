"""The fence around writes: rows change in `actions`, in `mes.execution` and in the kernel, nowhere else."""

import ast
import re
from collections.abc import Iterable, Iterator

from tests.architecture.sources import named, none_of, product_modules, tree

#: Modules that write besides `actions` and `mes/execution`, each with the reason why it is no back door.
ALLOWED = {
    "mes/kernel/": "receipts, events and deliveries are what a command consists of",
    "mes/demo/plant.py": "makes the demo plant before anybody works in it",
    "mes/accounts/models.py": "the user manager that Django's own commands call",
    "mes/accounts/badges.py": "a wrong PIN is counted although the act is refused, so outside any command",
    "mes/accounts/passwords.py": "a wrong password is counted although the sign-in is refused, so outside any command",
    "mes/accounts/terminals.py": "pairing and last sight of a terminal are no facts of the floor",
    "mes/accounts/tokens.py": "tokens are made at the command line and note their last use",
}
_WRITERS = {
    "save", "create", "bulk_create", "bulk_update", "get_or_create", "update_or_create",
    "asave", "acreate", "abulk_create", "abulk_update", "aget_or_create", "aupdate_or_create", "aupdate", "adelete",
}  # fmt: skip
_SQL = re.compile(r"\s*(WITH\b.*\b)?(INSERT\s+INTO|UPDATE\s+[\w.]+|DELETE\s+FROM|TRUNCATE|MERGE\s+INTO)\b", re.I | re.S)


def writes(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Calls that change rows: by their names and, where a name is also that of a dictionary's, by their arguments."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            name = node.func.attr
            queryset_update = name == "update" and not node.args and node.keywords
            row_delete = name == "delete" and not node.args and not node.keywords
            if name in _WRITERS or queryset_update or row_delete:
                yield node.lineno, f".{name}("
            elif name in {"execute", "executemany", "raw"} and node.args:
                for text in _literals(node.args[0]):
                    if _SQL.match(text):
                        yield node.lineno, " ".join(text.split())[:30]


def _literals(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def may_write(name: str) -> bool:
    parts = name.split("/")
    if "actions" in parts or parts[-1] == "actions.py" or name.startswith("mes/execution/"):
        return True
    return any(name == allowed or (allowed.endswith("/") and name.startswith(allowed)) for allowed in ALLOWED)


def back_doors(modules: Iterable[tuple[str, ast.Module]]) -> list[str]:
    return [f"{name}:{line} {what}" for name, module in modules if not may_write(name) for line, what in writes(module)]


def test_rows_change_only_in_actions_and_execution() -> None:
    none_of(back_doors((named(path), tree(path)) for path in product_modules()))


def test_every_exception_is_still_needed() -> None:
    writing = [named(path) for path in product_modules() if any(writes(tree(path)))]
    none_of(allowed for allowed in ALLOWED if not any(name.startswith(allowed) for name in writing))


_BAD = """
def view(request, order, cursor, settings, digest):
    order.save()
    Order.objects.create(number="1")
    Order.objects.filter(pk=1).update(state="DONE")
    order.delete()
    Order.objects.bulk_create([order])
    Order.objects.get_or_create(number="1")
    cursor.execute("UPDATE workorders_workorder SET state = 'DONE'")
    cursor.execute(f"insert into {table} values (1)")
    cursor.execute("WITH x AS (SELECT 1) DELETE FROM lots")
    settings.update({"a": 1})
    digest.update(b"x")
    cursor.execute("SELECT 1")
    settings.pop("update")
    client.delete("/path")
"""


def test_the_fence_would_fail_and_spares_what_is_no_write() -> None:
    found = back_doors([("workorders/views/orders.py", ast.parse(_BAD)), ("workorders/actions/x.py", ast.parse(_BAD))])
    assert [line.partition(":")[2].partition(" ")[0] for line in found] == [str(n) for n in range(3, 12)]
    assert back_doors([("mes/execution/runs.py", ast.parse(_BAD))]) == []
    assert len(back_doors([("mes/executions.py", ast.parse(_BAD))])) == 9
