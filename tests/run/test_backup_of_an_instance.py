"""The one-command run backed up while it works, destroyed, and restored into another folder that then runs."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.run.product import ROOT, Product, clean_environment

pytestmark = pytest.mark.heavy


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    made = Product(tmp_path / "plant")
    yield made
    made.end()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Product]:
    made = Product(tmp_path / "elsewhere")
    yield made
    made.end()


def manage(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """As `run.py manage --data DIR` does once the environment is there."""
    return subprocess.run(
        [sys.executable, "-m", "mes.supervisor", str(folder), str(folder.parent), *words],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_plant_that_was_destroyed_works_again_from_its_backup_in_another_folder(
    product: Product, elsewhere: Product, tmp_path: Path
) -> None:
    product.start()
    product.wait_ready()
    (tmp_path / "words").write_text("correct horse battery staple")
    taken = manage(product.folder, "backup", "b", "--passphrase-file", "words")
    assert taken.returncode == 0, taken.stderr
    assert "Backup of PLANT-A" in taken.stdout
    assert manage(product.folder, "restore", "b").returncode == 1, "into a plant that runs"
    product.stop()
    shutil.rmtree(product.folder)

    wrong = manage(elsewhere.folder, "restore", "b", "--plant", "PLANT-B")
    assert (wrong.returncode, "not of PLANT-B" in wrong.stderr) == (1, True)
    done = manage(elsewhere.folder, "restore", "b", "--plant", "PLANT-A", "--passphrase-file", "words")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agree with the backup's anchors" in done.stdout
    assert "Demo ledger is asked before it is told" in done.stdout
    verified = manage(elsewhere.folder, "verify_events", "--anchors", "b/anchors.jsonl")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert manage(elsewhere.folder, "check_invariants").stdout.startswith("0 violations")

    elsewhere.start()
    elsewhere.wait_ready()
    assert elsewhere.page("/readyz") == 200
    assert elsewhere.page("/login/") == 200
    assert manage(elsewhere.folder, "check_invariants").stdout.startswith("0 violations")
    assert "restore" in manage(elsewhere.folder, "restore", "--help").stdout


def test_a_command_on_a_folder_that_is_no_instance_still_makes_none(tmp_path: Path) -> None:
    done = manage(tmp_path / "nothing", "backup", "b")
    assert done.returncode == 2
    assert "is no data folder of this product" in done.stderr
    assert not (tmp_path / "nothing").exists()
