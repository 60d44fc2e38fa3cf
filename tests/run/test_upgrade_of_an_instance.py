"""The one-command run on the data of an older PostgreSQL: upgraded at its start, the log proved, the old data kept."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mes.embedded import Postgres, postgres, programs, roles
from mes.supervisor.instance import Instance
from tests.run.product import ROOT, Product, clean_environment

OLDER = [each for each in programs._system_postgres() if each.major < programs.newest_major()]
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skipif(not OLDER, reason="no older PostgreSQL is installed here: apt-get install postgresql-15"),
]


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    made = Product(tmp_path / "plant")
    yield made
    made.end()


def manage(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mes.supervisor", str(folder), str(folder.parent), *words]
    return subprocess.run(
        command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, timeout=300, check=False
    )


def test_a_plant_on_postgresql_15_is_upgraded_at_its_next_start(
    product: Product, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    instance = Instance(product.folder)
    instance.prepare()
    with monkeypatch.context() as older:
        older.setattr(postgres, "postgres_programs", lambda _major: OLDER[0])
        cluster = Postgres(product.folder)
        process = cluster.start(instance.logs / "postgres.log")
    try:
        roles.ensure_database(cluster.url())
        env = {**clean_environment(), **instance.environment({})}
        env |= {
            "DATABASE_URL": cluster.url(roles.DATABASE, roles.APP),
            "DATABASE_OWNER_URL": cluster.url(roles.DATABASE, roles.OWNER),
        }
        for words in (["prepare_database", "--verbosity", "0"], ["load_demo_plant"]):
            subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=env, check=True)
    finally:
        cluster.stop(process)

    # a stopped instance is reached on the old version's programs, and nothing is upgraded behind anybody's back
    before = manage(product.folder, "verify_events")
    assert before.returncode == 0, before.stderr
    assert manage(product.folder, "anchor_events", str(tmp_path / "anchors")).returncode == 0
    assert (product.folder / "postgres" / "PG_VERSION").read_text().strip() == str(OLDER[0].major)

    product.start("--no-simulation")
    product.wait_ready()
    assert f"upgraded from PostgreSQL {OLDER[0].major} to {programs.newest_major()}" in product.said
    assert (product.folder / f"postgres-{OLDER[0].major}" / "PG_VERSION").exists()
    assert product.page("/readyz") == 200
    verified = manage(product.folder, "verify_events", "--anchors", str(tmp_path / "anchors"))
    assert (verified.returncode, verified.stderr) == (0, "")
    assert manage(product.folder, "check_invariants").stdout.startswith("0 violations")
    product.stop()
    product.start("--no-simulation")
    product.wait_ready()
    assert "upgraded" not in product.said
