"""What the kernel's tests share: a plant of one's own."""

import pytest

from tests.builders import Plant, plant


@pytest.fixture
def works() -> Plant:
    return plant()
