"""Journeys go through the whole house; those that reach an ERP borrow its fixtures."""

from tests.erp.conftest import peer, proxy

__all__ = ["peer", "proxy"]
