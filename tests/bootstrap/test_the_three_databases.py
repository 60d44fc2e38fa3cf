"""The ground the other tests stand on: rollback, real commits, a scratch copy, and the refusal of flushing tests."""

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection, connections

ROOT = Path(__file__).resolve().parent.parent.parent


def _models_named(prefix: str) -> int:
    return ContentType.objects.filter(app_label__startswith=prefix).count()


@pytest.mark.django_db
@pytest.mark.parametrize("round_", [1, 2])
def test_an_ordinary_test_is_rolled_back(round_: int) -> None:
    assert _models_named("rolled") == 0
    ContentType.objects.create(app_label=f"rolled{round_}", model="x")
    assert _models_named("rolled") == 1


@pytest.mark.committed_db
def test_threads_see_what_others_commit() -> None:
    seen: list[int] = []
    ContentType.objects.create(app_label="thread", model="x")

    def look() -> None:
        try:
            seen.append(_models_named("thread"))
        finally:
            connections.close_all()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1]


@pytest.mark.django_db
def test_ordinary_tests_never_meet_committed_rows() -> None:
    assert _models_named("thread") == 0


def test_without_asking_there_is_no_database() -> None:
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        _models_named("any")


def test_the_app_role_cannot_change_the_schema_but_a_test_may_borrow_the_owner(
    scratch_db: None, as_owner: Callable[[], AbstractContextManager[None]]
) -> None:
    with pytest.raises(ProgrammingError, match="must be owner"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_content_type ADD COLUMN stray integer")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_content_type ADD COLUMN stray integer")
        cursor.execute("SELECT session_user, current_user")
        assert cursor.fetchone() == ("mes_app", "mes_owner")
    with connection.cursor() as cursor:
        cursor.execute("SELECT stray FROM django_content_type LIMIT 1")
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("mes_app",)


def test_a_scratch_copy_does_not_keep_what_the_last_one_did(scratch_db: None) -> None:
    with pytest.raises(ProgrammingError, match="stray"), connection.cursor() as cursor:
        cursor.execute("SELECT stray FROM django_content_type LIMIT 1")


@pytest.mark.django_db
def test_the_server_is_new_enough() -> None:
    assert connection.cursor().connection.info.server_version >= 150000


_SAMPLE = """
import pytest
from django.test import TransactionTestCase

@pytest.mark.django_db(transaction=True)
def test_by_keyword(): ...

@pytest.mark.django_db(True)
def test_by_position(): ...

@pytest.mark.django_db(reset_sequences=True)
def test_by_sequences(): ...

def test_by_fixture(transactional_db): ...

def test_by_live_server(live_server): ...

class TestByClass(TransactionTestCase):
    def test_by_class(self): ...

@pytest.mark.committed_db
def test_two_kinds(db): ...

@pytest.mark.django_db
def test_innocent(): ...
"""


def test_a_test_that_would_empty_tables_is_refused_with_the_way_out(tmp_path: Path) -> None:
    sample = tmp_path / "test_sample.py"
    sample.write_text(_SAMPLE)
    arguments = ["-p", "tests.conftest", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir=.", "--co"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, str(sample)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, said
    assert said.count("scratch_db instead") == 6
    for name in ("keyword", "position", "sequences", "fixture", "live_server", "class"):
        assert f"test_by_{name} uses" in said
    assert "test_two_kinds asks for more than one" in said
    assert "test_innocent uses" not in said
