"""The app's entry: registers what it refuses, hears and watches over."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "devices"

    def ready(self) -> None:
        from devices import invariants, refusals, subscribers  # noqa: F401 - they register themselves
