"""Reasons: each is raised by some call and its sentences can be filled; the contract names those of scans."""

import ast
import string
from pathlib import Path

import pytest

from mes.api.v1 import api
from mes.execution.scan_answers import REASONS as SCAN_REASONS
from mes.kernel.errors import REASONS, STATUS, Refused
from mes.kernel.scanning import SENTENCES

ROOT = Path(__file__).parents[2]
PRODUCT = ("mes", "workorders", "traceability", "quality", "labor", "erp_sync", "devices")
#: Calls whose first argument is the reason they refuse with.
RAISING = {"Refused", "pass_or_refuse", "Refusal"}


def raised_in(source: str) -> set[str]:
    """The reasons that the calls in SOURCE refuse with; `super().__init__` counts inside a subclass of Refused."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            is_super = called == "__init__" and isinstance(node.func, ast.Attribute)
            for first in ast.walk(node.args[0]):
                if (called in RAISING or is_super) and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def raised() -> set[str]:
    found = set()
    for name in PRODUCT:
        for path in (ROOT / name).rglob("*.py"):
            found |= raised_in(path.read_text(encoding="utf-8"))
    return found


def placeholders(text: object) -> set[str]:
    return {name for _text, name, _spec, _conversion in string.Formatter().parse(str(text)) if name}


def test_the_contract_names_every_reason_of_a_scan_as_it_is():
    written = (ROOT / "docs/contract.md").read_text(encoding="utf-8")
    for reason, text in SCAN_REASONS.items():
        assert f"| `{reason}` | {text} |" in written
    for reason, sentence in SENTENCES.items():
        assert f"| `{reason}` | {sentence.message} |" in written


def test_the_contract_names_every_address():
    written = (ROOT / "docs/contract.md").read_text(encoding="utf-8")
    for path in api.get_openapi_schema()["paths"]:
        named = [part for part in path.removeprefix("/api/v1/").split("/") if not part.startswith("{")]
        assert f"/{named[-1]}" in written, path


def test_every_reason_is_raised_somewhere():
    assert not set(REASONS) - raised()


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_every_reason_has_its_sentences_and_they_can_be_filled(reason):
    entry = REASONS[reason]
    assert entry.code in STATUS
    facts = {name: "x" for text in (entry.message, entry.remedy, entry.who_can_override) for name in placeholders(text)}
    body = Refused(reason, **facts).as_json()
    for field in ("message", "remedy"):
        assert len(body[field]) > (0 if "{" in str(getattr(entry, field)) else 10)
        assert "{" not in body[field]
    if "{" not in str(entry.message):
        assert body["message"].endswith((".", "!", "?"))


def test_every_scan_reason_has_its_sentence():
    assert not set(SCAN_REASONS) & set(REASONS)
    for text in SCAN_REASONS.values():
        assert str(text).endswith(".")
    for sentence in SENTENCES.values():
        assert str(sentence.message)
        assert str(sentence.remedy)


def test_these_tests_would_fail():
    source = "class Busy(Refused):\n    def __init__(self):\n        super().__init__('busy')\n"
    source += "gate.pass_or_refuse('checks_open', {})\n"
    source += "raise Refused('on_hold' if 1 else 'stale', x=1)\n"
    source += "Blocker('not_this', 'text')\n"
    assert raised_in(source) == {"busy", "checks_open", "on_hold", "stale"}
    assert placeholders("{lot} has {balance}") == {"lot", "balance"}
