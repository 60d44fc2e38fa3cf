"""The Django app of the HTTP API; its refusals join the registry when it is ready."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "mes.api"
    label = "api"

    def ready(self) -> None:
        from mes.api import refusals  # noqa: F401 - they register themselves
