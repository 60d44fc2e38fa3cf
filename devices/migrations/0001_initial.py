from decimal import Decimal

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("workorders", "0002_states_move_by_command"),
    ]

    operations = [
        migrations.CreateModel(
            name="TelemetrySample",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "tag_id", "at", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("at", models.DateTimeField()),
                ("value", models.FloatField(null=True)),
                ("quality", models.PositiveSmallIntegerField()),
            ],
            options={
                "db_table": "devices_telemetrysample",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("driver", models.CharField(max_length=40)),
                ("host", models.CharField(max_length=120)),
                ("port", models.PositiveIntegerField(default=502)),
                ("unit", models.PositiveIntegerField(default=1)),
                ("interval_ms", models.PositiveIntegerField(default=1000)),
                ("timeout_ms", models.PositiveIntegerField(default=1000)),
                ("max_registers", models.PositiveIntegerField(default=125)),
                ("max_gap", models.PositiveIntegerField(default=16)),
                ("stale_seconds", models.PositiveIntegerField(default=10)),
                ("is_active", models.BooleanField(default=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="devices", to="workorders.site"
                    ),
                ),
                (
                    "work_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="devices", to="workorders.workunit"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PollGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="poll_groups", to="workorders.site"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=60)),
                ("role", models.CharField(max_length=10)),
                ("table", models.CharField(default="HOLDING", max_length=10)),
                ("address", models.PositiveIntegerField()),
                ("data_type", models.CharField(default="UINT16", max_length=10)),
                ("byte_order", models.CharField(default="ABCD", max_length=4)),
                ("bit", models.PositiveSmallIntegerField(null=True)),
                ("scale", models.FloatField(default=1)),
                ("offset", models.FloatField(default=0)),
                ("unit_text", models.CharField(blank=True, max_length=20)),
                ("dead_band", models.FloatField(default=0)),
                ("longest_seconds", models.PositiveIntegerField(default=600)),
                ("state_codes", models.JSONField(default=dict)),
                ("min_run_seconds", models.FloatField(default=0)),
                ("pieces_per_count", models.DecimalField(decimal_places=6, default=1, max_digits=18)),
                ("max_rate", models.FloatField(null=True)),
                ("on_reset", models.CharField(default="COUNT", max_length=10)),
                ("is_active", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="DeviceHealth",
            fields=[
                (
                    "device",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="health",
                        serialize=False,
                        to="devices.device",
                    ),
                ),
                ("polled_at", models.DateTimeField()),
                ("answered_at", models.DateTimeField(null=True)),
                ("lag_ms", models.PositiveIntegerField(default=0)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveBigIntegerField(default=0)),
                ("why", models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="LeaseEpoch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("fence", models.BigIntegerField()),
                ("owner", models.CharField(max_length=120)),
                ("claimed_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="epochs", to="devices.pollgroup"
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="device",
            name="group",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="devices", to="devices.pollgroup"
            ),
        ),
        migrations.CreateModel(
            name="TagValue",
            fields=[
                (
                    "tag",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="last",
                        serialize=False,
                        to="devices.tag",
                    ),
                ),
                ("at", models.DateTimeField()),
                ("quality", models.PositiveSmallIntegerField()),
                ("why", models.CharField(blank=True, max_length=40)),
                ("value", models.FloatField(null=True)),
                ("good_at", models.DateTimeField(null=True)),
                ("stored_value", models.FloatField(null=True)),
                ("stored_at", models.DateTimeField(null=True)),
                ("counter_raw", models.BigIntegerField(null=True)),
                ("counter_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name="tag",
            name="device",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="tags", to="devices.device"
            ),
        ),
        migrations.AddField(
            model_name="tag",
            name="scrap_reason",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="workorders.reason"
            ),
        ),
        migrations.CreateModel(
            name="EquipmentState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("state", models.CharField(max_length=10)),
                ("code", models.BigIntegerField(null=True)),
                ("span", django.contrib.postgres.fields.ranges.DateTimeRangeField()),
                ("told", models.BooleanField(default=False)),
                (
                    "work_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="equipment_states",
                        to="workorders.workunit",
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="devices.tag"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="CountEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("epoch", models.BigIntegerField()),
                ("sequence", models.PositiveIntegerField()),
                ("kind", models.CharField(max_length=10)),
                ("counts", models.BigIntegerField()),
                ("quantity", models.DecimalField(decimal_places=6, max_digits=18)),
                ("is_scrap", models.BooleanField(default=False)),
                ("raw_from", models.BigIntegerField()),
                ("raw_to", models.BigIntegerField()),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField()),
                ("in_gap", models.BooleanField(default=False)),
                ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("posting", models.CharField(default="STORED", max_length=10)),
                ("posted_command", models.UUIDField(null=True)),
                ("refused", models.CharField(blank=True, max_length=60)),
                ("refused_text", models.TextField(blank=True)),
                ("settled_reason", models.CharField(blank=True, max_length=200)),
                (
                    "operation",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="machine_counts",
                        to="workorders.operation",
                    ),
                ),
                (
                    "work_unit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="counts", to="workorders.workunit"
                    ),
                ),
                (
                    "tag",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="counts", to="devices.tag"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PollLease",
            fields=[
                (
                    "group",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="lease",
                        serialize=False,
                        to="devices.pollgroup",
                    ),
                ),
                ("owner", models.CharField(blank=True, max_length=120)),
                ("boot", models.UUIDField(null=True)),
                ("fence", models.BigIntegerField(default=0)),
                ("batch", models.BigIntegerField(default=0)),
                ("expires_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("boot__isnull", True), ("owner", "")),
                            models.Q(models.Q(("owner", ""), _negated=True), ("boot__isnull", False)),
                            _connector="OR",
                        ),
                        name="lease_owner",
                    )
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pollgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="poll_group_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="16bfcc7bf05ccf9157d8564f6093e4a3ab88c2dd",
                    operation="DELETE",
                    pgid="pgtrigger_poll_group_stay_eae57",
                    table="devices_pollgroup",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pollgroup",
            trigger=pgtrigger.compiler.Trigger(
                name="poll_group_stay_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="7fe5bc3245a56f8d878d506d9e75cef080025850",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_poll_group_stay_all_b5375",
                    table="devices_pollgroup",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="leaseepoch",
            constraint=models.UniqueConstraint(fields=("group", "fence"), name="epoch_fence"),
        ),
        migrations.AddConstraint(
            model_name="leaseepoch",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("group",), name="epoch_one_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="leaseepoch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ended_at__isnull", True), ("ended_at__gte", models.F("claimed_at")), _connector="OR"
                ),
                name="epoch_span",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leaseepoch",
            trigger=pgtrigger.compiler.Trigger(
                name="lease_epoch_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="0491f706efe91c5ba64d9569280f29569839198a",
                    operation="DELETE",
                    pgid="pgtrigger_lease_epoch_stay_b3f49",
                    table="devices_leaseepoch",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="leaseepoch",
            trigger=pgtrigger.compiler.Trigger(
                name="lease_epoch_stay_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="3aa35a831fda5a33a7db699b575a65bc66ae813a",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_lease_epoch_stay_all_89ef4",
                    table="devices_leaseepoch",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(fields=("site", "name"), name="device_name"),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True)), fields=("work_unit",), name="device_one_per_work_unit"
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("port__gte", 1), ("port__lte", 65535)), name="device_port"
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(condition=models.Q(("unit__lte", 255)), name="device_unit"),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("interval_ms__gte", 100), ("interval_ms__lte", 3600000)), name="device_interval"
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("timeout_ms__gte", 50), ("timeout_ms__lte", 30000)), name="device_timeout"
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_registers__gte", 1), ("max_registers__lte", 125)), name="device_max_registers"
            ),
        ),
        migrations.AddConstraint(
            model_name="device",
            constraint=models.CheckConstraint(condition=models.Q(("stale_seconds__gte", 1)), name="device_stale"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="device",
            trigger=pgtrigger.compiler.Trigger(
                name="device_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="bfe29916f25bce1d322ab5e519f6a9db93e25cb5",
                    operation="DELETE",
                    pgid="pgtrigger_device_stay_a2adb",
                    table="devices_device",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="device",
            trigger=pgtrigger.compiler.Trigger(
                name="device_stay_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="cc7e18cbf20687497d7a92874ded68a207d58bfa",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_device_stay_all_90edd",
                    table="devices_device",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="tagvalue",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("counter_at__isnull", True), ("counter_raw__isnull", True)),
                    models.Q(("counter_at__isnull", False), ("counter_raw__gte", 0)),
                    _connector="OR",
                ),
                name="tag_value_counter",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(fields=("device", "name"), name="tag_name"),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_active", True), ("role", "STATE")), fields=("device",), name="tag_one_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["STATE", "GOOD", "SCRAP", "VALUE"])), name="tag_role"
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("role__in", ["GOOD", "SCRAP"]), _negated=True),
                    ("data_type__in", ["UINT16", "UINT32"]),
                    _connector="OR",
                ),
                name="tag_counter_type",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("role", "SCRAP"), _negated=True), ("scrap_reason__isnull", False), _connector="OR"
                ),
                name="tag_scrap_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(("on_reset__in", ["COUNT", "IGNORE"])), name="tag_on_reset"
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(("byte_order__in", ["ABCD", "CDAB", "BADC", "DCBA"])), name="tag_byte_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(("pieces_per_count__gt", 0), ("pieces_per_count__lt", Decimal("1000000000000"))),
                name="tag_pieces",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_rate__isnull", True),
                    models.Q(("max_rate__gt", 0), ("max_rate__lt", 1000000000.0)),
                    _connector="OR",
                ),
                name="tag_max_rate",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("offset__gt", -1000000000000.0),
                    ("offset__lt", 1000000000000.0),
                    ("scale__gt", -1000000000000.0),
                    ("scale__lt", 1000000000000.0),
                    ("dead_band__gte", 0),
                    ("dead_band__lt", 1000000000000.0),
                    ("min_run_seconds__gte", 0),
                    ("min_run_seconds__lt", 1000000.0),
                ),
                name="tag_numbers",
            ),
        ),
        migrations.AddConstraint(
            model_name="tag",
            constraint=models.CheckConstraint(condition=models.Q(("address__lte", 65535)), name="tag_address"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tag",
            trigger=pgtrigger.compiler.Trigger(
                name="tag_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="99f83abce2f9d9f02107bf50470014c5a6de430e",
                    operation="DELETE",
                    pgid="pgtrigger_tag_stay_827df",
                    table="devices_tag",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tag",
            trigger=pgtrigger.compiler.Trigger(
                name="tag_stay_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="9b22e471f76892726977a4127ded475e893a85ad",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_tag_stay_all_4b2bc",
                    table="devices_tag",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="equipmentstate",
            index=models.Index(condition=models.Q(("told", False)), fields=["id"], name="equipment_state_untold"),
        ),
        migrations.AddConstraint(
            model_name="equipmentstate",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[
                    (
                        models.Func(
                            models.F("work_unit"), models.F("work_unit"), models.Value("[]"), function="int8range"
                        ),
                        "&&",
                    ),
                    ("span", "&&"),
                ],
                name="equipment_state_one_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="equipmentstate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["RUN", "SETUP", "STOP", "FAULT", "STARVED", "BLOCKED", "OFF", "UNKNOWN"])
                ),
                name="equipment_state_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="equipmentstate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("span__isempty", False),
                    ("span__lower_inc", True),
                    ("span__lower_inf", False),
                    ("span__upper_inc", False),
                ),
                name="equipment_state_span",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="equipmentstate",
            trigger=pgtrigger.compiler.Trigger(
                name="equipment_state_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="39e82d040fbfbefd8920c721af4ac92528ac220e",
                    operation="DELETE",
                    pgid="pgtrigger_equipment_state_stay_6a809",
                    table="devices_equipmentstate",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="equipmentstate",
            trigger=pgtrigger.compiler.Trigger(
                name="equipment_state_stay_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="e2b7ffc3442de6e826572c2c9111523e560bf7bd",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_equipment_state_stay_all_24f99",
                    table="devices_equipmentstate",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="equipmentstate",
            trigger=pgtrigger.compiler.Trigger(
                name="equipment_state_closed",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NOT upper_inf(OLD.span) AND (OLD.span, OLD.state, OLD.work_unit_id) IS DISTINCT FROM (NEW.span, NEW.state, NEW.work_unit_id))",
                    func="RAISE EXCEPTION 'a state that has ended is a fact' USING ERRCODE = 'check_violation';",
                    hash="7677b75d41048805dbb3d75ffe70477c76f29de8",
                    operation="UPDATE",
                    pgid="pgtrigger_equipment_state_closed_42145",
                    table="devices_equipmentstate",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="countevent",
            index=models.Index(condition=models.Q(("posting", "PENDING")), fields=["id"], name="count_pending"),
        ),
        migrations.AddIndex(
            model_name="countevent",
            index=models.Index(
                condition=models.Q(("posting__in", ["PROPOSED", "UNASSIGNED"])),
                fields=["work_unit", "id"],
                name="count_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="countevent",
            index=models.Index(fields=["tag", "-ended_at"], name="count_recent"),
        ),
        migrations.AddIndex(
            model_name="countevent",
            index=models.Index(
                condition=models.Q(("posted_command__isnull", False)), fields=["posted_command"], name="count_command"
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.UniqueConstraint(fields=("tag", "epoch", "sequence"), name="count_once"),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("posting__in", ("STORED", "DISMISSED", "PENDING", "POSTED", "PROPOSED", "UNASSIGNED"))
                ),
                name="count_posting",
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["NORMAL", "ROLLOVER", "RESET", "JUMP"])), name="count_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("quantity__gte", 0), ("quantity__lt", Decimal("1000000000000"))),
                name="count_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("counts", 0), ("quantity", 0)),
                    models.Q(("counts__gt", 0), ("quantity__gt", 0)),
                    _connector="OR",
                ),
                name="count_quantity",
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("ended_at__gte", models.F("started_at"))), name="count_span"
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("counts", 0), _negated=True), ("posting", "STORED"), _connector="OR"),
                name="count_of_nothing_is_stored",
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("operation__isnull", False), ("posted_command__isnull", False), ("posting", "POSTED")),
                    models.Q(models.Q(("posting", "POSTED"), _negated=True), ("posted_command__isnull", True)),
                    _connector="OR",
                ),
                name="count_posted_says_where",
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("posting", "UNASSIGNED"), _negated=True),
                    models.Q(("refused", ""), _negated=True),
                    _connector="OR",
                ),
                name="count_unassigned_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="countevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("posting", "DISMISSED"), _negated=True),
                    models.Q(("settled_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="count_dismissed_says_why",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countevent",
            trigger=pgtrigger.compiler.Trigger(
                name="count_stay",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="a9879b4d0c48db23b2c835d4d118ee9e0bf7e78d",
                    operation="DELETE",
                    pgid="pgtrigger_count_stay_7ac37",
                    table="devices_countevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countevent",
            trigger=pgtrigger.compiler.Trigger(
                name="count_stay_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'rows of this table are kept' USING ERRCODE = 'check_violation';",
                    hash="15b8fe20b6ea1932d98c360ee66a17911a7ba70d",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_count_stay_all_be587",
                    table="devices_countevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countevent",
            trigger=pgtrigger.compiler.Trigger(
                name="count_moves",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"posting\" IS DISTINCT FROM NEW.\"posting\" AND (OLD.\"posting\", NEW.\"posting\") NOT IN (('PENDING','POSTED'), ('PENDING','PROPOSED'), ('PENDING','UNASSIGNED'), ('POSTED','UNASSIGNED'), ('PROPOSED','DISMISSED'), ('PROPOSED','POSTED'), ('PROPOSED','UNASSIGNED'), ('UNASSIGNED','DISMISSED'), ('UNASSIGNED','POSTED')))",
                    func="RAISE EXCEPTION 'state % to % is not a move of this record', OLD.\"posting\", NEW.\"posting\" USING ERRCODE = 'check_violation';",
                    hash="215c2a002a7af17b05b38fc8493fe0ad75a3ac0f",
                    operation='UPDATE OF "posting"',
                    pgid="pgtrigger_count_moves_56212",
                    table="devices_countevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countevent",
            trigger=pgtrigger.compiler.Trigger(
                name="count_by_command",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.\"posting\" IS DISTINCT FROM NEW.\"posting\" AND coalesce(current_setting('mes.command_id', true), '') = '')",
                    func="RAISE EXCEPTION 'a state changes only inside a command' USING ERRCODE = 'check_violation';",
                    hash="80c61de8ed4f99d382d423467360c6ad9916b6b9",
                    operation='UPDATE OF "posting"',
                    pgid="pgtrigger_count_by_command_a93b0",
                    table="devices_countevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countevent",
            trigger=pgtrigger.compiler.Trigger(
                name="count_is_a_fact",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (ROW(OLD.tag_id, OLD.work_unit_id, OLD.epoch, OLD.sequence, OLD.kind, OLD.counts, OLD.quantity, OLD.is_scrap, OLD.raw_from, OLD.raw_to, OLD.started_at, OLD.ended_at, OLD.in_gap, OLD.recorded_at) IS DISTINCT FROM ROW(NEW.tag_id, NEW.work_unit_id, NEW.epoch, NEW.sequence, NEW.kind, NEW.counts, NEW.quantity, NEW.is_scrap, NEW.raw_from, NEW.raw_to, NEW.started_at, NEW.ended_at, NEW.in_gap, NEW.recorded_at))",
                    func="RAISE EXCEPTION 'what a machine counted is a fact' USING ERRCODE = 'check_violation';",
                    hash="91e580a25f851c4787002e9fc3fb62f88a3144a2",
                    operation="UPDATE",
                    pgid="pgtrigger_count_is_a_fact_7a23b",
                    table="devices_countevent",
                    when="BEFORE",
                ),
            ),
        ),
    ]
