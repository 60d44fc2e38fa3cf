"""People, badges and terminals are tested on a plant of the test's own."""

import pytest

from tests.builders import Plant, plant


@pytest.fixture
def works(db: None) -> Plant:
    return plant()
