"""Tells Django of the kernel and registers what of its own tables may go after its time."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "mes.kernel"
    label = "kernel"

    def ready(self) -> None:
        from mes.kernel import retention_rules  # noqa: F401 - they register themselves
