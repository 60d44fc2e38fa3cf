"""Tells Django of the ERP app and registers what it listens to."""

from django.apps import AppConfig


class ErpSyncConfig(AppConfig):
    name = "erp_sync"
