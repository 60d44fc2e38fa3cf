"""The registry of refusals: every reason has its sentences, is used somewhere, and stands on its page as it is."""

import ast
from pathlib import Path

from mes.kernel.errors import REASONS
from mes.kernel.management.commands.list_refusals import page

ROOT = Path(__file__).parents[2]
ROOMS = ("mes", "workorders", "traceability", "quality", "labor", "erp_sync", "devices")


def texts_in_code() -> set[str]:
    """Every string constant outside the calls that declare reasons."""
    found: set[str] = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "declare":
                    for inner in ast.walk(node):
                        inner.declared = True
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not hasattr(node, "declared"):
                    found.add(node.value)
    return found


def test_every_reason_has_its_sentences() -> None:
    for entry in REASONS.values():
        assert str(entry.message).strip().endswith((".", "}", "?")), entry.reason
        assert str(entry.remedy).strip().endswith("."), entry.reason


def test_every_reason_is_used() -> None:
    unused = sorted(set(REASONS) - texts_in_code())
    assert unused == []


def test_the_page_of_refusals_is_current() -> None:
    written = (ROOT / "docs" / "refusals.md").read_text(encoding="utf-8")
    assert written == page(), "run `manage.py list_refusals > docs/refusals.md`"
