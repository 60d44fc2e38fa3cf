"""Tells Django of the quality app and registers its gates, invariants and refusals."""

from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "quality"

    def ready(self) -> None:
        from quality import gates, invariants, refusals  # noqa: F401 - they register themselves
        from workorders.gates import BEFORE_COMPLETE, BEFORE_RECALL, BEFORE_SKIP

        BEFORE_COMPLETE.register(gates.checks_passed)
        BEFORE_RECALL.register(gates.nothing_measured)
        BEFORE_SKIP.register(gates.no_mandatory_checks)
