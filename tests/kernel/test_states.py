"""Every pair of states, tried by raw SQL as the app role: the database lets through what the tables of the code say."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from mes.kernel.errors import Refused
from mes.kernel.transitions import Machine
from quality import states as quality_states
from quality.models import Inspection
from tests.builders import Plant, as_a_command
from tests.kernel.state_document import DOCUMENT, document
from traceability import states as lot_states
from traceability.models import MaterialLot
from workorders import states
from workorders.models import Operation, WorkOrder


def an_order(works: Plant) -> int:
    return works.order(released=False).pk


def an_operation(works: Plant) -> int:
    return works.operation(works.order()).pk


def a_lot(works: Plant) -> int:
    works.item("RM")
    return works.lot("RM", "R1").pk


def an_inspection(works: Plant) -> int:
    works.item("FG")
    works.plan("FG")
    return Inspection.objects.get(operation=works.operation(works.order())).pk


@dataclass(frozen=True)
class Case:
    machine: Machine
    model: type
    make: Callable[[Plant], int]
    #: Columns that a CHECK wants beside some of the states.
    beside: str = ""


CASES = {
    "order": Case(states.ORDER, WorkOrder, an_order, ", released_at = now(), started_at = now(), finished_at = now()"),
    "operation": Case(states.OPERATION, Operation, an_operation, ", completed_at = now()"),
    "lot": Case(lot_states.LOT, MaterialLot, a_lot),
    "inspection": Case(quality_states.INSPECTION, Inspection, an_inspection),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", CASES)
def test_the_database_lets_exactly_the_moves_of_the_table_through(works, as_owner, name):
    case = CASES[name]
    table = case.model._meta.db_table
    pk = case.make(works)
    states_known = case.machine.states
    assert len(states_known) >= 3

    def put(state: str) -> None:
        """Set the state without asking, as the owner with the triggers off."""
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(f"UPDATE {table} SET state = %s{case.beside} WHERE id = %s", [state, pk])
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")

    passed, refused = set(), set()
    for before in states_known:
        put(before)
        for after in states_known:
            try:
                with as_a_command(), connection.cursor() as cursor:
                    cursor.execute(f"UPDATE {table} SET state = %s WHERE id = %s AND state = %s", [after, pk, before])
                    assert cursor.rowcount == 1
                passed.add((before, after))
                put(before)
            except IntegrityError as error:
                refused.add(str(error).split(" is not a move of this record")[0])
    staying = {(state, state) for state in states_known}
    assert passed == case.machine.pairs() | staying
    assert refused == {f"state {a} to {b}" for a, b in product(states_known, repeat=2) if (a, b) not in passed}


@pytest.mark.django_db
@pytest.mark.parametrize("name", CASES)
def test_no_state_moves_outside_a_command_and_none_is_made_up(works, name):
    case = CASES[name]
    table = case.model._meta.db_table
    pk = case.make(works)
    (now,) = case.model.objects.filter(pk=pk).values_list("state", flat=True)
    after = next(to for before, to in sorted(case.machine.pairs()) if before == now and to != now)
    update = f"UPDATE {table} SET state = %s WHERE id = %s"

    def attempt(state: str) -> str:
        with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(update, [state, pk])
        return str(caught.value)

    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('mes.command_id', '', true)")
    assert "a state changes only inside a command" in attempt(after)
    with as_a_command():
        assert "is not a move of this record" in attempt("NONSENSE")
        case.model.objects.filter(pk=pk).update(state=after)


@pytest.mark.django_db
@pytest.mark.parametrize("name", CASES)
def test_a_state_that_does_not_exist_is_refused_without_any_trigger(works, as_owner, name):
    case = CASES[name]
    table = case.model._meta.db_table
    pk = case.make(works)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        with pytest.raises(IntegrityError, match=f"{name}_state"), transaction.atomic():
            cursor.execute(f"UPDATE {table} SET state = 'NONSENSE' WHERE id = %s", [pk])


def a_row(name: str, state: str):
    order = WorkOrder(number="5521")
    beside = {
        "order": {"number": "5521"},
        "operation": {"order": order, "sequence": 10},
        "lot": {"number": "L1"},
        "inspection": {"operation": Operation(order=order, sequence=10), "code": "dia"},
    }
    return CASES[name].model(state=state, **beside[name])


def test_a_machine_names_what_is_possible_instead():
    order = a_row("order", "DONE")
    with pytest.raises(Refused) as caught:
        states.ORDER.require(order, "release")
    assert caught.value.code == "not_allowed"
    assert "5521" in caught.value.message
    assert "close, reopen" in caught.value.remedy
    order.state = "CLOSED"
    with pytest.raises(Refused) as caught:
        states.ORDER.move(order, "cancel")
    assert order.state == "CLOSED"
    assert "–" in caught.value.remedy


def test_a_move_sets_the_state_and_returns_the_one_before():
    operation = a_row("operation", "READY")
    assert states.OPERATION.move(operation, "start") == "READY"
    assert operation.state == "RUNNING"


@pytest.mark.parametrize("name", CASES)
def test_undo_steps_back_only_where_the_database_would_let_it(name):
    machine = CASES[name].machine
    for before, after in product(machine.states, repeat=2):
        row = a_row(name, before)
        if before == after or (before, after) in machine.pairs():
            machine.step_back(row, after)
            assert row.state == after
        else:
            with pytest.raises(Refused, match="state_forbids"):
                machine.step_back(row, after)
            assert row.state == before


#: What was decided, written a second time: {machine: (moves by command, edges only for undo)}.
DECIDED = {
    "order": (
        """
        RECEIVED validate PLANNED · PLANNED invalidate RECEIVED · PLANNED release RELEASED · RELEASED recall PLANNED
        RELEASED run RUNNING · RUNNING finish DONE · DONE reopen RUNNING · DONE close CLOSED
        RECEIVED cancel CANCELLED · PLANNED cancel CANCELLED · RELEASED cancel CANCELLED · RUNNING cancel CANCELLED
        """,
        {("RUNNING", "RELEASED"), ("DONE", "RUNNING")},
    ),
    "operation": (
        """
        WAITING arrive READY · READY setup SETUP · SUSPENDED setup SETUP
        READY start RUNNING · SETUP start RUNNING · SUSPENDED start RUNNING
        SETUP suspend SUSPENDED · RUNNING suspend SUSPENDED
        RUNNING complete COMPLETED · SUSPENDED complete COMPLETED · COMPLETED reopen SUSPENDED
        WAITING skip SKIPPED · READY skip SKIPPED · SKIPPED unskip READY
        WAITING cancel CANCELLED · READY cancel CANCELLED · SETUP cancel CANCELLED
        RUNNING cancel CANCELLED · SUSPENDED cancel CANCELLED · SKIPPED cancel CANCELLED
        """,
        {
            ("READY", "WAITING"),
            ("SETUP", "READY"),
            ("SETUP", "SUSPENDED"),
            ("RUNNING", "READY"),
            ("RUNNING", "SUSPENDED"),
            ("RUNNING", "SETUP"),
            ("SKIPPED", "WAITING"),
            ("SUSPENDED", "RUNNING"),
            ("SUSPENDED", "SETUP"),
        },
    ),
    "lot": (
        """
        PLANNED firstoutput IN_PROCESS · PLANNED receive AVAILABLE · IN_PROCESS finish AVAILABLE
        AVAILABLE close CLOSED · CLOSED reopen AVAILABLE
        """,
        {("AVAILABLE", "IN_PROCESS"), ("IN_PROCESS", "PLANNED"), ("AVAILABLE", "CLOSED")},
    ),
    "inspection": (
        """
        DUE pass PASSED · DUE fail FAILED · FAILED pass PASSED · FAILED fail FAILED
        PASSED fail FAILED · PASSED pass PASSED
        """,
        set(),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_tables_say_what_was_decided(name):
    moves, undo = DECIDED[name]
    wanted = {tuple(move.split()) for line in moves.strip().splitlines() for move in line.split("·") if move.strip()}
    machine = CASES[name].machine
    found = {(before, command.replace(" ", ""), after) for (before, command), after in machine.table.items()}
    assert found == wanted
    assert machine.undo_edges == undo


def test_the_document_of_states_is_current():
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "python -m tests.kernel.state_document writes it anew"
