"""How the kernel's own ground is: database, tables, clock, disks, broker. What it does itself: `health_chores.py`."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from mes.kernel.health import BAD, DATABASE, WARN, WELL, WORK, Finding, register

#: Less free space than this share of the disk, and PostgreSQL may soon stop writing.
LEAST_FREE, LITTLE_FREE = 0.05, 0.15
#: Seconds by which the clocks of web and database may differ before gestures are dated wrongly.
CLOCK_WARN, CLOCK_BAD = 2.0, 30.0
#: Transactions before which PostgreSQL must have frozen old rows; it stops writing at 2 billion.
WRAP_WARN, WRAP_BAD = 1_000_000_000, 1_800_000_000

_DATABASE = """
SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
       (SELECT count(*) FROM (SELECT 1 FROM kernel_eventhead LIMIT 1) h),
       extract(epoch FROM clock_timestamp())::float8
"""


def database() -> Iterator[Finding]:
    """Reachable, writable, and its clock beside ours: half the way there and back is taken off."""
    began, asked = time.monotonic(), time.time()
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        is_read_only, _heads, theirs = cursor.fetchone()
    took = time.monotonic() - began
    numbers = {"database_answer_seconds": took}
    if is_read_only:
        says = _("The database only reads; nothing can be recorded.")
        remedy = _("It is a replica or its disk is full: point DATABASE_URL to the main server, or make room.")
        yield Finding("database", DATABASE, BAD, _("Database"), says, remedy, numbers=numbers)
    elif took > 0.5:
        says = _("The database answers after {ms} ms.").format(ms=round(took * 1000))
        remedy = _("Look at the load of its machine and at “Longest transaction” below.")
        yield Finding("database", DATABASE, WARN, _("Database"), says, remedy, numbers=numbers)
    else:
        says = _("It answers within {ms} ms and takes what is recorded.").format(ms=max(1, round(took * 1000)))
        yield Finding("database", DATABASE, WELL, _("Database"), says, numbers=numbers)
    yield _clock(theirs - (asked + took / 2))


def _clock(offset: float) -> Finding:
    numbers, title = {"clock_offset_seconds": offset}, _("Clocks")
    if abs(offset) <= CLOCK_WARN:
        says = _("Web and database tell the same time, within {ms} ms.").format(ms=max(1, round(abs(offset) * 1000)))
        return Finding("clock", DATABASE, WELL, title, says, numbers=numbers)
    level = BAD if abs(offset) > CLOCK_BAD else WARN
    says = _("The database's clock is {s} s off that of the web server.").format(s=f"{offset:+.1f}")
    remedy = _("Let both machines take the time from the same source (chrony, NTP). The database's clock decides.")
    return Finding("clock", DATABASE, level, title, says, remedy, numbers=numbers)


_migrated = False


def migrations() -> Iterator[Finding]:
    """Read until all are applied; a running process does not lose tables."""
    global _migrated
    missing = 0
    if not _migrated:
        executor = MigrationExecutor(connection)
        missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
        _migrated = not missing
    title = _("Tables")
    if _migrated:
        yield Finding("migrations", DATABASE, WELL, title, _("They are as this version wants them."))
    else:
        says = _("{n} changes of the tables are not applied.").format(n=missing)
        remedy = _("Run manage.py prepare_database with DATABASE_OWNER_URL set, then start the web again.")
        yield Finding("migrations", DATABASE, BAD, title, says, remedy)


def _places() -> dict[str, Path]:
    """The disks that matter, each once."""
    wanted = {
        "data": settings.VAR_DIR if settings.VAR_DIR.exists() else settings.BASE_DIR,
        "backups": Path(settings.BACKUP_DIR),
        "anchors": Path(settings.ANCHOR_DIR),
    }
    seen: set[int] = set()
    found = {}
    for name, path in wanted.items():
        if path.exists() and path.stat().st_dev not in seen:
            seen.add(path.stat().st_dev)
            found[name] = path
    return found


def disks() -> Iterator[Finding]:
    titles = {"data": _("Disk of the data"), "backups": _("Disk of the backups"), "anchors": _("Disk of the anchors")}
    for name, path in _places().items():
        usage = shutil.disk_usage(path)
        share = usage.free / usage.total if usage.total else 0.0
        level = BAD if share < LEAST_FREE else WARN if share < LITTLE_FREE else WELL
        says = _("{free} GB of {total} GB are free.").format(
            free=f"{usage.free / 1e9:.1f}", total=f"{usage.total / 1e9:.1f}"
        )
        remedy = "" if level == WELL else _("Make room: old backups, logs and files of other programs first.")
        about = "" if name == "data" else name
        numbers = {"disk_free_bytes": float(usage.free), "disk_free_ratio": share}
        yield Finding("disk", DATABASE, level, titles[name], says, remedy, about, numbers)


def broker() -> Iterator[Finding]:
    """Wake-ups come late without it; scanning goes on."""
    url, title = settings.CELERY_BROKER_URL, _("Broker")
    if not url.startswith(("redis://", "rediss://", "redis+socket://", "unix://")):
        yield Finding("broker", WORK, WELL, title, _("None is needed here."))
        return
    client = redis.Redis.from_url(
        url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1),
        socket_connect_timeout=0.5,
        socket_timeout=0.5,
    )
    try:
        client.ping()
    except redis.RedisError as error:
        says = _("The broker does not answer ({error}); news reach ERP and workers some seconds later.")
        remedy = _("Start valkey again. Nothing is lost: what is owed lies in the database.")
        yield Finding("broker", WORK, WARN, title, says.format(error=type(error).__name__), remedy)
    else:
        yield Finding("broker", WORK, WELL, title, _("It answers and wakes the workers at once."))
    finally:
        client.close()


_SESSIONS = """
SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start))
                FILTER (WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
                          AND backend_type = 'client backend' AND application_name <> 'mes backup'
                          AND state <> 'idle'), 0)::float8,
       count(*) FILTER (WHERE backend_type = 'client backend')::int,
       current_setting('max_connections')::int,
       (SELECT max(age(datfrozenxid))::bigint FROM pg_database),
       pg_database_size(current_database())::float8
  FROM pg_stat_activity
"""


def sessions() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_SESSIONS)
        oldest, count, most, wrap, size = cursor.fetchone()
    level = BAD if oldest > 600 else WARN if oldest > 60 else WELL
    says = _("The longest running one has lasted {s} s.").format(s=round(oldest))
    remedy = (
        "" if level == WELL else _("Look in pg_stat_activity who it is; whoever waits for its rows is told “busy”.")
    )
    numbers = {"transaction_oldest_seconds": oldest}
    yield Finding("transactions", DATABASE, level, _("Longest transaction"), says, remedy, numbers=numbers)
    level = BAD if count > most * 0.95 else WARN if count > most * 0.8 else WELL
    says = _("{n} of {most} connections are used.").format(n=count, most=most)
    remedy = "" if level == WELL else _("Raise max_connections, or run fewer web workers and threads.")
    numbers = {"connections": float(count), "connections_most": float(most)}
    yield Finding("connections", DATABASE, level, _("Connections"), says, remedy, numbers=numbers)
    level = BAD if wrap > WRAP_BAD else WARN if wrap > WRAP_WARN else WELL
    says = _("{gb} GB; the oldest row that is not frozen is {m} million transactions old.").format(
        gb=f"{size / 1e9:.2f}", m=round(wrap / 1e6)
    )
    remedy = "" if level == WELL else _("Autovacuum does not keep up: run VACUUM (FREEZE) when the floor rests.")
    numbers = {"database_bytes": size, "wraparound_age": float(wrap)}
    yield Finding("size", DATABASE, level, _("Size and age"), says, remedy, numbers=numbers)


register("database", database, needed=True)
register("migrations", migrations, needed=True)
register("disk", disks, needed=True)
register("broker", broker)
register("sessions", sessions)
