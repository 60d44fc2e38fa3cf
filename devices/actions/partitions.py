"""Days of samples made ahead and dropped when they are old. Run by a tick; no command, as no person decides it."""

from datetime import date, timedelta

from django.db import connection

from mes import env

#: How many days ahead there is room, and how many days are kept.
AHEAD = 7
KEPT = env.number("MES_TELEMETRY_DAYS", 90)


def make_room(today: date) -> list[str]:
    """Make the days from yesterday to a week ahead, drop those past retention; returns what changed.

    A day that samples already reached by way of the default partition is left there: they stay where they are found.
    """
    changed = []
    with connection.cursor() as cursor:
        for place in range(-1, AHEAD + 1):
            day = today + timedelta(days=place)
            cursor.execute(
                """SELECT to_regclass('devices_telemetrysample_' || to_char(%s::date, 'YYYYMMDD')) IS NULL
                      AND NOT EXISTS (SELECT 1 FROM devices_telemetrysample_other
                                       WHERE at >= %s::date::timestamp AT TIME ZONE 'UTC'
                                         AND at < (%s::date + 1)::timestamp AT TIME ZONE 'UTC')""",
                [day, day, day],
            )
            if cursor.fetchone()[0]:
                cursor.execute("SELECT devices_make_day(%s)", [day])
                changed.append(f"made {day}")
        cursor.execute(
            """SELECT to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                WHERE i.inhparent = 'devices_telemetrysample'::regclass AND c.relname ~ '_[0-9]{8}$'
                  AND to_date(right(c.relname, 8), 'YYYYMMDD') < %s ORDER BY 1""",
            [today - timedelta(days=max(KEPT, 2))],
        )
        for (day,) in cursor.fetchall():
            cursor.execute("SELECT devices_drop_day(%s)", [day])
            changed.append(f"dropped {day}")
    return changed
