"""Tells Django of the traceability app and registers its invariants and refusals."""

from django.apps import AppConfig


class TraceabilityConfig(AppConfig):
    name = "traceability"

    def ready(self) -> None:
        from traceability import invariants, refusals  # noqa: F401 - they register themselves
