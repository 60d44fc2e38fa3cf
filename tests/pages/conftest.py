"""The fixtures of the browser for every page's tests."""

from tests.browser import browser, open_page, served
from tests.pages.probe import probe

__all__ = ["browser", "open_page", "probe", "served"]
