"""Exchange with an ERP by files in a folder: CSV tables and B2MML documents in, B2MML performance out."""

from erp_sync.adapters.file.adapter import FileAdapter

__all__ = ["FileAdapter"]
