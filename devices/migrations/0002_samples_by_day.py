"""The partitioned table of samples, and the two functions that make and drop its days.

Making a partition is the owner's right, and the app runs as another role: so the functions run as their owner. They
take a date and nothing else.
"""

from django.db import migrations

TABLE = """
CREATE TABLE devices_telemetrysample (
    tag_id bigint NOT NULL,
    at timestamptz NOT NULL,
    value double precision,
    quality smallint NOT NULL CHECK (quality BETWEEN 0 AND 4),
    CONSTRAINT telemetry_number CHECK (value > '-Infinity' AND value < 'Infinity'),
    PRIMARY KEY (tag_id, at)
) PARTITION BY RANGE (at);
CREATE INDEX telemetry_at ON devices_telemetrysample USING brin (at);
CREATE TABLE devices_telemetrysample_other PARTITION OF devices_telemetrysample DEFAULT;
"""
MAKE = """
CREATE FUNCTION devices_make_day(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    name text := 'devices_telemetrysample_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF day NOT BETWEEN current_date - 400 AND current_date + 60 THEN
        RAISE EXCEPTION 'no partition is made for %', day USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('devices_telemetrysample'));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF devices_telemetrysample FOR VALUES FROM (%L) TO (%L)',
                   name, day::timestamp AT TIME ZONE 'UTC', (day + 1)::timestamp AT TIME ZONE 'UTC');
    RETURN true;
END $$;
"""
DROP = """
CREATE FUNCTION devices_drop_day(day date) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    name text := 'devices_telemetrysample_' || to_char(day, 'YYYYMMDD');
BEGIN
    IF day > current_date - 2 THEN
        RAISE EXCEPTION 'the samples of % are kept', day USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('devices_telemetrysample'));
    IF to_regclass(name) IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('DROP TABLE %I', name);
    RETURN true;
END $$;
"""


class Migration(migrations.Migration):
    #: It only makes what no running version knows yet.
    initial = True

    dependencies = [("devices", "0001_initial")]

    operations = [
        migrations.RunSQL(TABLE, "DROP TABLE devices_telemetrysample"),
        migrations.RunSQL(MAKE, "DROP FUNCTION devices_make_day(date)"),
        migrations.RunSQL(DROP, "DROP FUNCTION devices_drop_day(date)"),
    ]
