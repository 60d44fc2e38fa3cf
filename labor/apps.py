"""Tells Django of the labor app and registers its invariants."""

from django.apps import AppConfig


class LaborConfig(AppConfig):
    name = "labor"

    def ready(self) -> None:
        from labor import invariants  # noqa: F401 - they register themselves
