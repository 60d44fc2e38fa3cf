"""Tells Django of the floor acts and registers their refusals."""

from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "mes.execution"
    label = "execution"

    def ready(self) -> None:
        from mes.execution import refusals  # noqa: F401 - they register themselves
