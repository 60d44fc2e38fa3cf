"""Fences around imports: the contracts between and inside rooms, the rooms of foreign libraries, no model signals."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.sources import PRODUCT, ROOT, imported, named, none_of, product_modules, tree

#: A foreign library and the only modules that may know it; everything else goes through them.
ROOMS_OF_LIBRARIES = {
    "celery": ("mes", "mes.celery", "mes.kernel.nudge", "mes.kernel.delivery", "*.tasks"),
    "httpx": ("erp_sync.adapters",),
    "pymodbus": ("devices.drivers",),
    "reportlab": ("mes.kernel.labels", "*.travelers", "*.labels"),
}
SIGNALS = ("django.db.models.signals", "django.dispatch", "django.core.signals.Signal")


def module_name(path: Path) -> str:
    return named(path).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def may_know(module: str, rooms: Iterable[str]) -> bool:
    for room in rooms:
        if room.startswith("*"):
            tail = room[1:]
            if module.endswith(tail) or f"{tail}." in module:
                return True
        elif module == room or (module.startswith(f"{room}.") and room != "mes"):
            return True
    return False


def strays(modules: Iterable[tuple[str, Iterable[tuple[str, int]]]]) -> list[str]:
    found = []
    for module, names in modules:
        for name, line in names:
            library = name.partition(".")[0]
            if library in ROOMS_OF_LIBRARIES and not may_know(module, ROOMS_OF_LIBRARIES[library]):
                found.append(f"{module}:{line} imports {library}")
    return found


def signals(modules: Iterable[tuple[str, Iterable[tuple[str, int]]]]) -> list[str]:
    return [
        f"{module}:{line} imports {name}"
        for module, names in modules
        for name, line in names
        if any(name == signal or name.startswith(f"{signal}.") for signal in SIGNALS)
    ]


def all_imports() -> list[tuple[str, list[tuple[str, int]]]]:
    return [(module_name(path), list(imported(tree(path)))) for path in product_modules()]


def test_foreign_libraries_stay_in_their_rooms() -> None:
    none_of(strays(all_imports()))


def test_no_model_signals_anywhere() -> None:
    none_of(signals(all_imports()))


def test_these_fences_would_fail() -> None:
    bad = [
        ("workorders.actions", [("celery.shared_task", 3), ("django.db.models.signals.post_save", 4)]),
        ("workorders.tasks", [("celery.shared_task", 1)]),
        ("erp_sync.actions", [("httpx", 9), ("django.dispatch.receiver", 2)]),
        ("erp_sync.adapters.tryton.client", [("httpx", 1)]),
        ("devices.actions.counts", [("pymodbus.client", 5)]),
        ("mes.screens.floor", [("celery", 1)]),
    ]
    assert strays(bad) == [
        "workorders.actions:3 imports celery",
        "erp_sync.actions:9 imports httpx",
        "devices.actions.counts:5 imports pymodbus",
        "mes.screens.floor:1 imports celery",
    ]
    assert signals(bad) == [
        "workorders.actions:4 imports django.db.models.signals.post_save",
        "erp_sync.actions:2 imports django.dispatch.receiver",
    ]


def lint_imports(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copied_tree(tmp_path: Path) -> Path:
    for name in PRODUCT:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "migrations"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold_and_fail_when_broken(copied_tree: Path) -> None:
    kept = lint_imports(copied_tree)
    assert kept.returncode == 0, kept.stdout
    assert "0 broken" in kept.stdout
    wrong = {
        "mes/kernel/stray.py": "import workorders.apps\n",
        "quality/stray.py": "def late():\n    import labor.apps\n",
        "erp_sync/stray.py": "import devices.apps\n",
        "workorders/states.py": '"""States."""\nimport workorders.queries\n',
        "workorders/queries.py": '"""Queries."""\nimport workorders.actions\n',
    }
    for name, text in wrong.items():
        path = copied_tree / name
        before = path.read_text() if path.exists() else None
        if path.with_suffix("").is_dir():
            path = path.with_suffix("") / "stray.py"
        path.write_text(text)
        for needed in ("queries", "actions"):
            if f"workorders.{needed}" in text and not (copied_tree / "workorders" / needed).exists():
                (copied_tree / "workorders" / f"{needed}.py").touch()
        broken = lint_imports(copied_tree)
        assert broken.returncode == 1, name
        assert "BROKEN" in broken.stdout, name
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
