"""Fences around files: their length, their names, their opening sentence."""

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, files, named, none_of

LONGEST = 400
HEAPS = {"utils", "util", "helpers", "helper", "common", "misc", "services", "service"}


def too_long(texts: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name} has {count} lines" for name, text in texts if (count := text.count("\n")) > LONGEST]


def heaps(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if HEAPS & {Path(part).stem.lower() for part in Path(path).parts}]


def without_opening(sources: Iterable[tuple[str, str]]) -> list[str]:
    found = []
    for name, text in sources:
        module = ast.parse(text)
        if module.body and not (ast.get_docstring(module) or "").strip():
            found.append(name)
    return found


def test_no_file_is_longer_than_one_can_hold_in_mind() -> None:
    ours = (path for path in files(".py", ".html", ".css", ".js") if "migrations" not in path.parts)
    none_of(too_long((named(path), path.read_text(encoding="utf-8")) for path in ours))


def test_no_file_or_folder_is_a_heap() -> None:
    none_of(heaps(named(path) for path in files(".py", ".html", ".css", ".js")))


def test_every_module_says_what_lives_in_it() -> None:
    ours = (path for path in files(".py") if "migrations" not in path.parts)
    none_of(without_opening((named(path), path.read_text(encoding="utf-8")) for path in ours))


def test_the_fences_would_fail() -> None:
    assert too_long([("long.py", "x\n" * 401), ("fits.py", "x\n" * 400)]) == ["long.py has 401 lines"]
    assert heaps(["quality/utils.py", "mes/common/x.py", "labor/Helpers.js", "labor/actions.py"]) == [
        "quality/utils.py",
        "mes/common/x.py",
        "labor/Helpers.js",
    ]
    assert without_opening([("bare.py", "x = 1\n"), ("empty.py", ""), ("good.py", '"""Says."""\n')]) == ["bare.py"]


@pytest.mark.parametrize("name", ["LICENSE", "pyproject.toml", "run.py", ".ci/run"])
def test_the_files_that_everybody_looks_for_are_there(name: str) -> None:
    assert (ROOT / name).is_file()
