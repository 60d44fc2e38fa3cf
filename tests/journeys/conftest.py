"""Journeys go through the whole house; they borrow the fixtures of the ERP and of the browser."""

from tests.browser import browser, open_page, served
from tests.erp.conftest import peer, proxy

__all__ = ["browser", "open_page", "peer", "proxy", "served"]
