"""Tells Django of the workorders app and registers its invariants and refusals."""

from django.apps import AppConfig


class WorkordersConfig(AppConfig):
    name = "workorders"

    def ready(self) -> None:
        from workorders import invariants, refusals  # noqa: F401 - they register themselves
