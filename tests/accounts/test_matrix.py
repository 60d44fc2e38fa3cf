"""The matrix of rights: one row for every action, and each cell means what it says."""

import csv
import importlib
import pkgutil
import uuid
from collections import Counter

import pytest

import devices.actions
import erp_sync.actions
import labor
import mes.accounts.actions
import mes.execution
import quality.actions
import traceability.actions
import workorders.actions
from mes.accounts.models import User
from mes.accounts.policies import MATRIX_FILE, matrix
from mes.kernel import commands
from mes.kernel.actors import PERSON, SERVICE, Actor
from mes.kernel.errors import Refused
from tests.architecture.sources import product_modules

with MATRIX_FILE.open(encoding="utf-8", newline="") as _file:
    ROWS = list(csv.DictReader(_file))
ROLES = [name for name in ROWS[0] if name != "action"]


def modules():
    for package in (
        devices.actions,
        erp_sync.actions,
        mes.accounts.actions,
        mes.execution,
        quality.actions,
        traceability.actions,
        workorders.actions,
    ):
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)
    yield importlib.import_module(f"{labor.__name__}.actions")


COMMANDS = {
    function.__name__: function
    for module in modules()
    for function in vars(module).values()
    if getattr(function, "is_command", False)
}


def test_the_walk_finds_the_commands_of_every_room():
    assert len(COMMANDS) > 30
    assert {"start_operation", "import_items", "receive_lot", "record_check", "add_person", "connect_erp"} <= set(
        COMMANDS
    )


def test_no_action_has_two_rows_and_every_cell_says_yes_or_no():
    assert [name for name, count in Counter(row["action"] for row in ROWS).items() if count > 1] == []
    assert {answer for row in ROWS for role, answer in row.items() if role != "action"} == {"yes", "no"}


def test_every_command_has_a_row_and_every_row_is_asked_for_somewhere():
    assert set(COMMANDS) - set(matrix()) == set()
    text = "\n".join(path.read_text(encoding="utf-8") for path in product_modules())
    assert [name for name in matrix() if name not in COMMANDS and f'"{name}"' not in text] == []


def test_the_columns_are_the_roles_that_exist():
    people = {code for code, _name in User._meta.get_field("role").choices}
    assert set(ROLES) == people | {"machine", "system"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_begins_for_exactly_the_roles_of_its_row(monkeypatch, name, role):
    begun = []

    def reached(**claim):
        begun.append(claim["name"])
        return commands.Outcome(200, None, replayed=True)

    monkeypatch.setattr(commands, "run", reached)
    allowed = role in matrix()[name]
    for actor in (
        Actor(PERSON, 1, "somebody", role, 1),
        Actor(SERVICE, 1, "a token with a badge", role, 1, also_role="admin"),
        Actor(SERVICE, 1, "a badge under a token", "admin", 1, also_role=role),
    ):
        begun.clear()
        both = allowed and (not actor.also_role or "admin" in matrix()[name])
        if both:
            COMMANDS[name](actor=actor, command_id=uuid.uuid4())
            assert begun == [name]
        else:
            with pytest.raises(Refused) as refused:
                COMMANDS[name](actor=actor, command_id=uuid.uuid4())
            assert (refused.value.code, refused.value.reason) == ("forbidden", "forbidden")
            assert begun == []
