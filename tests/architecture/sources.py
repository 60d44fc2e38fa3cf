"""Finds and reads the project's own files for the fences. Judges nothing."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("mes", "workorders", "traceability", "quality", "labor", "erp_sync", "devices")
_NOT_OURS = {".venv", ".git", "vendor", "node_modules", "staticfiles", "var", "__pycache__", "artifacts", "build"}


def files(*suffixes: str, under: tuple[str, ...] = ()) -> Iterator[Path]:
    """Our files with one of `suffixes`, below the named folders or anywhere; vendored and built ones left out."""
    for start in [ROOT / name for name in under] or [ROOT]:
        for path in sorted(start.rglob("*")):
            relative = path.relative_to(ROOT)
            hidden = any(part in _NOT_OURS or (part.startswith(".") and part != ".ci") for part in relative.parts)
            if path.suffix in suffixes and path.is_file() and not hidden:
                yield path


def product_modules() -> Iterator[Path]:
    """Every Python file of the product except migrations."""
    for path in files(".py", under=PRODUCT):
        if "migrations" not in path.parts:
            yield path


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def none_of(offences: Iterable[str]) -> None:
    """Fail with every offence on a line of its own; pytest's own comparison would cut the list short."""
    found = list(offences)
    assert not found, "\n" + "\n".join(found)


def imported(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Every imported name with its line, at any depth: `from a.b import c` gives `a.b.c`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno
