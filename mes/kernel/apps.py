"""Tells Django of the kernel and registers how it is and what of it may go after its time."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "mes.kernel"
    label = "kernel"

    def ready(self) -> None:
        from mes.kernel import health_checks, health_chores, retention_rules  # noqa: F401 - they register themselves
