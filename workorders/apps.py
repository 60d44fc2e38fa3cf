"""Tells Django of the workorders app and registers its invariants, refusals and plants."""

from django.apps import AppConfig


class WorkordersConfig(AppConfig):
    name = "workorders"

    def ready(self) -> None:
        from mes.kernel.backup.taking import PLANTS
        from workorders import invariants, refusals  # noqa: F401 - they register themselves
        from workorders.queries.plants import plants

        PLANTS.append(plants)
