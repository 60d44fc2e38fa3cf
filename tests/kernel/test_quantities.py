"""Quantities as they come in and as the database keeps them: exact, finite, six places, in the unit's scale."""

from decimal import Decimal

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from mes.kernel.errors import Refused
from mes.kernel.quantities import (
    LIMIT,
    parse,
    parse_non_negative,
    parse_positive,
    require_scale,
    round_to,
    shown,
)
from tests.builders import Doer
from workorders.models import BUCKETS

GOOD = [
    ("1", "1"),
    (" 2.5 ", "2.5"),
    ("+3", "3"),
    ("1e3", "1000"),
    ("0.000001", "0.000001"),
    ("1.5000000000", "1.5"),
    (7, "7"),
    (0.1, "0.1"),
    (Decimal("2.50"), "2.5"),
    ("-4", "-4"),
    ("0e99", "0"),
    ("999999999999.999999", "999999999999.999999"),
]


@pytest.mark.parametrize(("given_value", "number"), GOOD)
def test_a_plain_number_is_read_exactly(given_value, number):
    assert parse(given_value) == Decimal(number)
    assert parse(given_value).as_tuple().exponent == -6


BAD = [
    None,
    "",
    " ",
    "x",
    "1,5",
    "1 000",
    "1_000",
    "١٢",
    "１２",
    "0x10",
    "1e",
    "--1",
    "½",
    True,
    False,
    [1],
    {"a": 1},
    b"1",
    "NaN",
    "-nan",
    "sNaN",
    "Infinity",
    "-inf",
    float("nan"),
    float("inf"),
    "1e400",
    "1e99999999999999999999",
    "1000000000000",
    "-1000000000000",
    "0.0000001",
    "1e-7",
    "9" * 41,
    "1\x00",
]


@pytest.mark.parametrize("value", BAD)
def test_what_is_no_plain_finite_number_is_refused_with_a_sentence(value):
    with pytest.raises(Refused) as caught:
        parse(value, "good")
    assert caught.value.code == "invalid"
    assert caught.value.message.startswith("good: ")


def test_positive_and_non_negative_say_what_they_want():
    assert parse_positive("0.000001") == Decimal("0.000001")
    assert parse_non_negative("0") == 0
    for value in ("0", "-0", "-1"):
        with pytest.raises(Refused, match="greater than zero"):
            parse_positive(value)
    with pytest.raises(Refused, match="negative"):
        parse_non_negative("-0.000001")


@given(st.decimals(places=6, min_value=-LIMIT + 1, max_value=LIMIT - 1))
def test_every_number_the_database_can_keep_is_read_back_as_it_was_written(number):
    assert parse(str(number)) == number
    assert parse(f"{number:f}") == number


@given(st.decimals(places=6, min_value=0, max_value=10**6), st.integers(0, 6))
def test_a_unit_takes_exactly_the_places_it_says(number, places):
    fits = number == number.quantize(Decimal(1).scaleb(-places))
    if fits:
        require_scale(number, places, "kg")
    else:
        with pytest.raises(Refused, match="invalid"):
            require_scale(number, places, "kg")
    assert abs(round_to(number, places) - number) * 2 <= Decimal(1).scaleb(-places)


def test_pieces_are_whole():
    with pytest.raises(Refused, match="counted in whole pieces"):
        require_scale(Decimal("0.5"), 0, "pc")
    with pytest.raises(Refused, match="at most 2 decimal places"):
        require_scale(Decimal("0.005"), 2, "kg")


def test_half_is_rounded_up_and_away_from_zero():
    assert [round_to(Decimal(text), 0) for text in ("0.5", "1.5", "2.5", "-0.5", "0.49")] == [1, 2, 3, -1, 0]


def test_a_number_in_a_sentence_has_no_needless_zeros_and_the_writing_of_its_language():
    assert [shown(Decimal(text)) for text in ("10.000000", "0.500000", "1E+2", "0")] == ["10", "0.5", "100", "0"]
    with translation.override("de"):
        assert shown(Decimal("0.500000")) == "0,5"


def refused_by_the_database(sql: str, *parameters) -> str:
    with pytest.raises((IntegrityError, DataError)) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
    return str(caught.value)


QUANTITIES = """
    SELECT c.table_name, c.column_name FROM information_schema.columns c
      JOIN information_schema.tables t ON t.table_name = c.table_name AND t.table_type = 'BASE TABLE'
     WHERE c.table_schema = 'public' AND c.data_type = 'numeric' AND c.numeric_precision = 18 AND c.numeric_scale = 6
       AND c.table_name NOT LIKE '%event'
     ORDER BY 1, 2
"""


@pytest.mark.django_db
def test_no_quantity_of_any_table_can_be_nan_or_infinite(works):
    """Every numeric(18,6) column, those of later tables included, is named in a CHECK that NaN does not pass."""
    with connection.cursor() as cursor:
        cursor.execute(QUANTITIES)
        columns = cursor.fetchall()
        cursor.execute(
            """SELECT r.relname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid
                WHERE c.contype = 'c'"""
        )
        checks = cursor.fetchall()
    assert len(columns) > 40
    bounded = {
        (table, column)
        for table, column in columns
        if any(name == table and f"({column} < ('1000000000000'" in text.replace('"', "") for name, text in checks)
    }
    assert sorted(set(columns) - bounded) == []


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e12", "-1"])
def test_no_bucket_takes_a_number_that_is_none(works, value):
    operation = works.operation(works.order())
    for bucket in BUCKETS:
        said = refused_by_the_database(
            f"UPDATE workorders_operation SET {bucket} = %s::numeric WHERE id = %s", value, operation.pk
        )
        assert "operation_" in said or "overflow" in said


@pytest.mark.django_db
def test_pieces_cannot_vanish_from_an_operation(works):
    operation = works.operation(works.order())
    said = refused_by_the_database("UPDATE workorders_operation SET queue = queue - 1 WHERE id = %s", operation.pk)
    assert "operation_nothing_lost" in said


MOVE = """
    INSERT INTO traceability_materialmovement (site_id, kind, item_id, lot_id, location_id, quantity, unit_id, order_id,
        operation_id, reason_id, actor_kind, occurred_at, command_id, reverses_id)
    SELECT site_id, {kind}, item_id, lot_id, {location}, {quantity}, unit_id, {order}, {operation}, NULL, actor_kind,
        occurred_at, command_id, NULL FROM traceability_materialmovement WHERE id = %s
"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"quantity": "1"}, "movement_sign"),
        ({"quantity": "0"}, "movement_moves"),
        ({"quantity": "'NaN'"}, "movement_finite|movement_sign"),
        ({"quantity": "'-Infinity'"}, "overflow"),
        ({"kind": "'OUTPUT'"}, "movement_sign"),
        ({"kind": "'RECEIVE'"}, "movement_sign"),
        ({"kind": "'ADJUST'"}, "movement_adjust_says_why"),
        ({"kind": "'THEFT'"}, "movement_kind"),
        ({"operation": "NULL"}, "movement_has_operation"),
        ({"order": "NULL"}, "movement_has_operation"),
        ({"location": "NULL"}, "movement_lot_lies_somewhere"),
    ],
)
def test_a_movement_with_a_wrong_sign_or_without_its_place_is_refused(works, changes, constraint):
    works.item("RM")
    works.lot("RM", "R1")
    operation = works.operation(works.order(materials=[{"item": "RM", "quantity_per": "1"}]))
    hand = Doer(works.person())
    hand.start(operation)
    hand.consume(operation, "R1", 5)
    taken = operation.movements.get()
    columns = {
        "kind": "kind",
        "location": "location_id",
        "quantity": "quantity",
        "order": "order_id",
        "operation": "operation_id",
    }
    said = refused_by_the_database(MOVE.format(**(columns | changes)), taken.pk)
    assert any(name in said for name in constraint.split("|")), said


REPORT = """
    INSERT INTO workorders_productionreport (operation_id, good, scrap, rework, short, reason_id, actor_kind,
        occurred_at, command_id, reverses_id)
    SELECT operation_id, {good}, {scrap}, 0, 0, NULL, actor_kind, occurred_at, command_id, {reverses}
      FROM workorders_productionreport WHERE id = %s
"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"good": "-1"}, "report_sign"),
        ({"scrap": "1"}, "report_scrap_says_why"),
        ({"good": "'NaN'"}, "report_finite"),
        ({"reverses": "id"}, "report_sign"),
        ({"good": "-good", "reverses": "id"}, None),
    ],
)
def test_a_report_is_positive_unless_it_reverses_another(works, changes, constraint):
    operation = works.operation(works.order())
    hand = Doer(works.person())
    hand.start(operation)
    hand.report(operation, 3)
    report = operation.reports.get()
    sql = REPORT.format(**({"good": "good", "scrap": "scrap", "reverses": "NULL"} | changes))
    if constraint is None:
        with connection.cursor() as cursor:
            cursor.execute(sql, [report.pk])
        assert "reverses_id" in refused_by_the_database(sql, report.pk), "each is reversed at most once"
    else:
        assert constraint in refused_by_the_database(sql, report.pk)
