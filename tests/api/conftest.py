"""A plant of its own and callers with tokens, for every test of the API."""

import pytest

from tests.api.client import Caller
from tests.builders import Plant, plant


@pytest.fixture
def works() -> Plant:
    return plant()


@pytest.fixture
def admin(works) -> Caller:
    return Caller(works)
