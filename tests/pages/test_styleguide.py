"""The sheet of components looks right in every theme, and strangers do not see it."""

import pytest
from django.test import Client

from tests.browser import DESK, PageMaker, looks_right

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_every_component_is_whole_and_accessible_in_every_theme(open_page: PageMaker, settings, theme: str) -> None:
    settings.DEBUG = True
    page = open_page(DESK, theme=theme).open("/styleguide/")
    looks_right(page, f"styleguide-{theme}", whole=True)


def test_the_sheet_is_not_for_strangers(db: None) -> None:
    assert Client().get("/styleguide/").status_code == 404
