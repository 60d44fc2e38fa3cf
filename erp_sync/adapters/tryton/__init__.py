"""Tryton 8 over JSON-RPC. Speaks its protocol; contains, imports and needs none of its code."""

from erp_sync.adapters.tryton.adapter import TrytonAdapter

__all__ = ["TrytonAdapter"]
