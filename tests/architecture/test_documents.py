"""The fence around documents: every setting and dependency has its line, and no line outlives what it tells of."""

import ast
import re
from collections.abc import Iterable, Iterator

from tests.architecture.sources import ROOT, none_of, product_modules, tree

_READERS = {"text", "flag", "number", "words", "get", "getenv"}
_NAME = re.compile(r"(MES_|DATABASE_|REDIS_)[A-Z_]+")
#: Not for people to set: one process of ours tells another.
_INNER = {"MES_CHROMIUM_MISSING"}


def settings_read(module: ast.Module) -> Iterator[str]:
    """Names of variables that are read through `mes.env` or straight from the environment."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READERS:
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and _NAME.fullmatch(first.value):
                yield first.value
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            name = ast.literal_eval(node.slice) if isinstance(node.slice, ast.Constant) else ""
            if _NAME.fullmatch(str(name)):
                yield str(name)


def documented(text: str, heading: str) -> set[str]:
    """First cells of the tables below `heading`, several names in one cell apart."""
    part = text.partition(heading)[2]
    cells = re.findall(r"^\| ([^|]+) \|", part, re.MULTILINE)
    return {name.strip(" `") for cell in cells for name in cell.split(",")}


def packages(lines: Iterable[str]) -> set[str]:
    names = (re.match(r"[A-Za-z0-9-]+", line) for line in lines if line.strip() and not line.startswith(("#", "-")))
    return {match[0].lower() for match in names if match}


def test_every_setting_is_documented_and_none_that_is_gone() -> None:
    read = {name for path in product_modules() for name in settings_read(tree(path))}
    read |= set(settings_read(tree(ROOT / "run.py"))) - _INNER
    told = {name for name in documented((ROOT / "docs/production.md").read_text(), "## Settings") if _NAME.match(name)}
    none_of(f"{name} is read but not in docs/production.md" for name in sorted(read - told))
    none_of(f"{name} is in docs/production.md but nobody reads it" for name in sorted(told - read))


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs/dependencies.md").read_text()
    told = {name.split(" ")[0].lower() for name in documented(text, "## At run time")}
    wanted = set()
    for name in ("base", "test"):
        wanted |= packages((ROOT / "requirements" / f"{name}.in").read_text().splitlines())
    inside = {"redis": "celery", "psycopg": "psycopg"}
    none_of(
        f"{name} has no line in docs/dependencies.md" for name in sorted(wanted) if inside.get(name, name) not in told
    )


def test_these_fences_would_fail() -> None:
    module = ast.parse(
        'a = env.text("MES_NEW")\nb = os.environ["MES_OTHER"]\nc = os.environ.get("PATH")\nd = env.number("MES_N", 3)\n'
    )
    assert set(settings_read(module)) == {"MES_NEW", "MES_OTHER", "MES_N"}
    table = "## Settings\n\n| variable | default |\n|---|---|\n| `MES_A` | 1 |\n| one, two | 2 |\n"
    assert {"MES_A", "one", "two"} <= documented(table, "## Settings")
    assert packages(["Django~=5.2", "# remark", "-r base.in", "celery[redis]~=5.7", ""]) == {"django", "celery"}
