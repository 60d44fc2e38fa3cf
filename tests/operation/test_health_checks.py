"""Each check of the installation's health says in words what is wrong and what to do; and gives its numbers always."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.db import connection

from mes.kernel import chores, health, health_checks, health_chores
from mes.kernel.health import BAD, WARN, WELL, Finding
from mes.kernel.models import Chore, Delivery, Event
from tests.erp.conftest import scripted, site
from tests.erp.engine import Works

__all__ = ["scripted", "site"]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(settings: Any) -> None:
    settings.BACKUP_HOURS, settings.ANCHOR_MINUTES = 24, 60


def found(name: str, about: str = "") -> Finding:
    (one,) = [each for each in health.look() if each.name == name and each.about == about]
    return one


def done(name: str, *, good: bool = True, says: str = "", **ago: float) -> None:
    chores.note(name, good=good, says=says or ("" if good else "No room."))
    when = datetime.now(UTC) - timedelta(**ago)
    row = Chore.objects.get(name=name)
    row.last_at = when
    row.good_at = min(row.good_at, when) if row.good_at else None
    row.save()


def everything_was_done() -> None:
    for name in ("deliveries", "telling", "keeper", "backup", "anchors", "proof", "retention"):
        done(name, says="All of it.", seconds=20)


def test_a_house_in_order_is_well_throughout_and_gives_its_numbers(site: Works) -> None:
    everything_was_done()
    everything = health.look()
    assert [one for one in everything if not one.is_well and one.name != "disk"] == []
    assert all(one.says.endswith((".", "!")) for one in everything)
    numbers = {name for one in everything for name in one.numbers}
    assert {"clock_offset_seconds", "outbox_age_seconds", "backup_age_seconds", "disk_free_bytes"} <= numbers


def test_every_finding_that_is_not_well_says_what_to_do(site: Works) -> None:
    assert all(one.remedy for one in health.look() if not one.is_well)


@pytest.mark.parametrize(
    ("name", "chore", "ago", "level"),
    [
        ("worker", "deliveries", {"seconds": 70}, WARN),
        ("worker", "deliveries", {"seconds": 310}, BAD),
        ("teller", "telling", {"minutes": 4}, WARN),
        ("teller", "telling", {"minutes": 11}, BAD),
        ("keeper", "keeper", {"minutes": 6}, WARN),
        ("keeper", "keeper", {"hours": 2}, BAD),
        ("backup", "backup", {"hours": 37}, WARN),
        ("backup", "backup", {"hours": 73}, BAD),
        ("anchors", "anchors", {"minutes": 131}, WARN),
        ("anchors", "anchors", {"hours": 13}, BAD),
        ("proof", "proof", {"hours": 37}, WARN),
        ("proof", "proof", {"days": 8}, BAD),
        ("retention", "retention", {"days": 4}, WARN),
    ],
)
def test_what_was_not_done_in_time_is_told_by_its_age(
    site: Works, name: str, chore: str, ago: dict[str, float], level: str
) -> None:
    everything_was_done()
    done(chore, **ago)
    one = found(name)
    assert (one.level, bool(one.remedy)) == (level, True)


def test_what_never_ran_is_named_and_what_has_just_begun_is_not(site: Works) -> None:
    assert (found("backup").level, found("backup").says) == (WARN, "Never done.")
    assert found("worker").says == "No worker has ever looked what is to be passed on."
    done("keeper")
    assert found("backup").level == WELL


def test_a_backup_that_failed_says_why_and_when_the_last_one_went_well(site: Works) -> None:
    done("backup", hours=30)
    chores.note("backup", good=False, says="There is no room for the backup.")
    one = found("backup")
    assert one.level == WARN
    assert one.says == "The last try failed: There is no room for the backup. Last success: 30 hours ago."
    Chore.objects.filter(name="backup").delete()
    done("backup", good=False, says="No folder")
    assert (found("backup").level, found("backup").says) == (
        BAD,
        "The last try failed: No folder. Last success: never.",
    )


def test_a_proof_that_fails_is_bad_at_once(site: Works) -> None:
    done("proof")
    chores.note("proof", good=False, says="1 violations, the first: I-07")
    assert found("proof").level == BAD


def test_no_backups_by_wish_are_worth_a_word(site: Works, settings: Any) -> None:
    settings.BACKUP_HOURS = 0
    assert "MES_BACKUP_HOURS is 0" in found("backup").says


def test_a_restore_is_told_for_a_month_and_shouts_when_it_was_not_proved(site: Works) -> None:
    done("restore", says="The backup of yesterday was restored.", hours=3)
    assert found("restore").level == WELL
    done("restore", good=False, says="The backup of yesterday was restored.")
    assert found("restore").level == BAD


def test_what_waits_too_long_and_what_was_given_up_is_told(site: Works) -> None:
    site.finish(site.erp_order())
    assert found("deliveries").level == WELL
    event = Event.objects.order_by("pk")[0]
    parked = Delivery.objects.create(
        event=event, subscriber="somebody", subject=event.subject, status="PARKED", parked_reason="It has no ears."
    )
    assert (found("deliveries").level, "It has no ears." in found("deliveries").says) == (WARN, True)
    parked.status = "OPEN"
    parked.save()
    assert found("deliveries").numbers["deliveries_open"] >= 1


@pytest.mark.parametrize(("oldest", "level"), [(59.0, WELL), (61.0, WARN), (301.0, BAD)])
def test_deliveries_are_told_by_the_age_of_the_oldest(
    monkeypatch: pytest.MonkeyPatch, oldest: float, level: str
) -> None:
    monkeypatch.setattr(health_chores, "connection", SimpleNamespace(cursor=lambda: Answers(3, 0, oldest, None)))
    assert next(iter(health_chores.deliveries())).level == level


# ------------------------------------------------------------------------------------------------------------ ground


class Answers:
    """A database that answers as a test says."""

    def __init__(self, *row: Any) -> None:
        self.row = row

    def __enter__(self) -> "Answers":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def execute(self, *_: object) -> None:
        """The answer is there already."""

    def fetchone(self) -> tuple[Any, ...]:
        return self.row


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def answer(*row: Any) -> None:
        monkeypatch.setattr(health_checks, "connection", SimpleNamespace(cursor=lambda: Answers(*row)))

    return answer


def now() -> float:
    return datetime.now(UTC).timestamp()


def test_a_database_that_only_reads_or_whose_clock_is_off_is_told(answering: Callable[..., None]) -> None:
    answering(True, 1, now())
    database, clock = health_checks.database()
    assert (database.level, clock.level) == (BAD, WELL)
    for offset, level in ((-5, WARN), (40, BAD), (1, WELL)):
        answering(False, 1, now() + offset)
        _database, clock = health_checks.database()
        assert clock.level == level
        assert clock.numbers["clock_offset_seconds"] == pytest.approx(offset, abs=0.5)
        assert ("NTP" in clock.remedy) == (level != WELL)


def test_long_transactions_full_connections_and_old_rows_are_told(answering: Callable[..., None]) -> None:
    answering(700.0, 96, 100, 1_900_000_000, 2e9)
    assert [one.level for one in health_checks.sessions()] == [BAD, BAD, BAD]
    answering(61.0, 81, 100, 1_100_000_000, 2e9)
    assert [one.level for one in health_checks.sessions()] == [WARN, WARN, WARN]


@pytest.mark.parametrize(("free", "level"), [(4, BAD), (14, WARN), (16, WELL)])
def test_a_disk_that_fills_is_told_before_it_is_full(monkeypatch: pytest.MonkeyPatch, free: int, level: str) -> None:
    usage = SimpleNamespace(total=100, used=100 - free, free=free)
    monkeypatch.setattr(health_checks.shutil, "disk_usage", lambda _path: usage)
    assert {one.level for one in health_checks.disks()} == {level}


def test_each_disk_is_told_once(settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR, settings.BACKUP_DIR, settings.ANCHOR_DIR = tmp_path, tmp_path, tmp_path / "none"
    assert len(list(health_checks.disks())) == 1


def test_a_broker_that_is_away_costs_only_promptness(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/valkey.sock?virtual_host=0"
    (one,) = health_checks.broker()
    assert one.level == WARN
    assert "Nothing is lost" in one.remedy


def test_a_check_that_breaks_hides_nothing_and_is_told_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def bad() -> Iterator[Finding]:
        yield Finding("first", health.WORK, WELL, "First", "Good.")
        raise redis.RedisError("<b>boom</b>")

    monkeypatch.setattr(health, "_CHECKS", dict(health._CHECKS))
    health.register("bad", bad)
    everything = {one.name: one for one in health.look()}
    assert everything["bad"].level == BAD
    assert "database" in everything
    assert "RedisError" in everything["bad"].says
    assert "boom" not in everything["bad"].says


def test_an_app_registers_its_own_check_and_what_is_needed_makes_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_CHECKS", {})
    late = Finding("poll", health.MACHINES, BAD, "Press 4", "It was last read 9 minutes ago.", "Look.", about="PRESS-4")
    health.register("poll", lambda: [late])
    assert health.look() == [late]
    assert health.look(only_needed=True) == []
    health.register("poll", lambda: [late], needed=True)
    assert health.look(only_needed=True) == [late]


# --------------------------------------------------------------------------------------------------------------- ERP


def judged(site: Works) -> tuple[str, str]:
    one = found("erp", site.connection.name)
    return one.level, one.says


def test_each_connection_is_told_with_the_worst_first(site: Works) -> None:
    done("telling")
    assert judged(site) == (WELL, "Everything is told, news are fetched.")
    row = site.connection
    site.finish(site.erp_order())
    site.deliver()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_outboundmessage SET created_at = now() - interval '2 minutes'")
    assert judged(site) == (WARN, "Messages wait for 2 minutes.")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_outboundmessage SET created_at = now() - interval '20 minutes'")
    assert judged(site) == (BAD, "Messages wait for 20 minutes.")
    row.failures, row.last_error = 3, "No route."
    row.save()
    assert judged(site) == (BAD, "It cannot be reached, and messages wait for 20 minutes: No route.")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE erp_sync_erpconnection SET state = 'STOPPED', state_reason = 'The ERP refuses the user.'"
        )
    assert judged(site) == (BAD, "The ERP refuses the user.")


def test_a_parked_message_and_late_news_are_worth_a_look(site: Works) -> None:
    site.finish(site.erp_order())
    site.deliver()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_outboundmessage SET state = 'PARKED', reason = 'x'")
    assert judged(site) == (WARN, "1 message needs a person.")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE erp_sync_outboundmessage SET state = 'SKIPPED', settled_by = 'x'")
        cursor.execute("UPDATE erp_sync_syncjob SET next_due_at = now() - interval '1 hour'")
    assert judged(site) == (WARN, "News from it are 60 minutes late.")


def test_looking_takes_a_few_questions_whatever_there_is(site: Works, django_assert_max_num_queries: Any) -> None:
    everything_was_done()
    with django_assert_max_num_queries(9):
        health.look()
    for _ in range(5):
        site.finish(site.erp_order())
    with django_assert_max_num_queries(9):
        health.look()
