"""A plant of its own for each test of floor acts and scans, and a job that needs a lot and some glue."""

import pytest

from tests.builders import Doer, Plant, plant


@pytest.fixture
def works() -> Plant:
    return plant()


@pytest.fixture
def job(works):
    """A started operation that needs 5 SEAL (by lot) and 2 GLUE (without lots)."""
    works.item("SEAL")
    works.item("GLUE", tracking="NONE")
    works.item("OTHER")
    order = works.order(
        quantity=5,
        materials=[{"item": "SEAL", "quantity_per": "1"}, {"item": "GLUE", "quantity_per": "0.4"}],
    )
    operation = works.operation(order)
    Doer(works.person()).start(operation)
    operation.refresh_from_db()
    return operation
