"""`run.py` before anything is installed: what it refuses and how it installs. Needs no network and no database."""

import ast
import runpy
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run_py(*arguments: str, python: str = sys.executable) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([python, "run.py", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def module(tmp_path: Path) -> dict[str, Any]:
    """A copy of run.py in an empty checkout, loaded but not run."""
    (tmp_path / "requirements").mkdir()
    for name in ("run", "test"):
        (tmp_path / "requirements" / f"{name}.txt").write_text(f"# nothing for {name}\n")
    copy = tmp_path / "run.py"
    copy.write_text((ROOT / "run.py").read_text())
    return runpy.run_path(str(copy), run_name="copy")


def refusal(module: dict[str, Any], call: Any) -> str:
    with pytest.raises(module["Refusal"]) as caught:
        call()
    return str(caught.value)


def test_a_python_that_is_too_old_can_read_the_file_and_is_told_so(
    module: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 6))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert refusal(module, lambda: module["main"]([])) == (
        "Python 3.11 or newer is needed and this is 3.9: try `python3.11 run.py`."
    )


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_without_the_venv_module_it_says_what_to_install(
    module: dict[str, Any], monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    found = module["importlib"].util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == missing else found(name))
    said = refusal(module, lambda: module["environment"]("run"))
    assert "apt-get install python3-venv" in said


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--port", "eighty"], "--port"),
        (["--port", "0"], "--port"),
        (["--port", "65536"], "--port"),
        (["--frobnicate"], "--frobnicate"),
        (["serve"], "serve"),
        (["manage", "--data", "somewhere"], "name a command"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line_before_anything_is_made(arguments: list[str], word: str) -> None:
    refused = run_py(*arguments)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert word in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_two_starts_at_once_install_once(
    module: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The lock is between processes; each thread opens the file itself, which the kernel treats the same."""
    calls: list[str] = []

    def pretend(command: list[str], _failure: str) -> None:
        calls.append("venv" if "venv" in command else "pip")
        if "venv" in command:
            (tmp_path / ".venv" / "bin").mkdir(parents=True)
            (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)

    scope = module["environment"].__globals__
    monkeypatch.setitem(scope, "run", pretend)
    monkeypatch.setitem(scope, "works", lambda python: python.exists())
    threads = [threading.Thread(target=module["environment"], args=["run"]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == ["venv", "pip"]


def test_changed_requirements_are_installed_again_and_a_broken_environment_is_made_anew(
    module: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[str] = []
    scope = module["environment"].__globals__
    monkeypatch.setitem(scope, "run", lambda command, _f: calls.append("venv" if "venv" in command else "pip"))
    state = SimpleNamespace(works=True)
    monkeypatch.setitem(scope, "works", lambda _python: state.works)
    (tmp_path / ".venv").mkdir()
    module["environment"]("run")
    module["environment"]("run")
    assert calls == ["pip"]
    (tmp_path / "requirements" / "run.txt").write_text("# something else\n")
    module["environment"]("run")
    assert calls == ["pip", "pip"]
    module["environment"]("test")
    module["environment"]("run")
    assert calls == ["pip", "pip", "pip"], "the test set contains the other"
    state.works = False
    module["environment"]("run")
    assert calls[3:] == ["venv", "pip"]


def test_an_environment_that_works_is_kept_whatever_python_asks(
    module: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An instance may run from it; a start by a newer Python must not take its files away."""
    python = Path(sys.executable)
    assert module["works"](python)
    monkeypatch.setattr(sys, "version_info", (3, 99, 0, "final", 0))
    assert module["works"](python)
    assert not module["works"](Path("/nonexistent/python"))
    assert not module["works"](Path("/bin/false"))


def test_a_failed_installation_is_a_sentence_with_its_reason(module: dict[str, Any]) -> None:
    said = refusal(
        module,
        lambda: module["run"]([sys.executable, "-c", "print('no such wheel'); raise SystemExit(1)"], "It failed"),
    )
    assert said == "It failed: no such wheel"


def test_every_requirement_is_pinned_and_hashed_and_no_registry_is_named() -> None:
    for name in ("run", "test"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        entries = text.replace("\\\n", " ").splitlines()
        pinned = [line for line in entries if line and not line.lstrip().startswith("#")]
        assert len(pinned) > 30
        for line in pinned:
            assert "==" in line, line
            assert "--hash=sha256:" in line, line
        assert "://" not in text
        assert "index" not in text


def test_the_test_set_agrees_with_the_run_set() -> None:
    versions = [
        {
            line.split(" ")[0]
            for line in (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
            if "==" in line
        }
        for name in ("run", "test")
    ]
    assert versions[0] <= versions[1]
