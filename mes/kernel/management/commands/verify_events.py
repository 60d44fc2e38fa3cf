"""`manage.py verify_events`: prove that no event was altered, inserted or deleted."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mes.kernel.anchoring import read_folder
from mes.kernel.verify import breaks


class Command(BaseCommand):
    help = "Verifies every chain of events, its head and, given a file of them, the anchors. Exit 1 names each break."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchors", type=Path, help="a file written by anchor_events, or a folder of them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            anchors = self._anchors(options["anchors"])
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        found, events, chains = breaks(anchors)
        for text in found:
            self.stdout.write(text)
        if found:
            raise SystemExit(1)
        self.stdout.write(f"{events} events in {chains} chains verify")

    @staticmethod
    def _anchors(place: Path | None) -> list[tuple[str, int, str]]:
        """A place that holds none must not look like a pass."""
        if place is None:
            return []
        if not place.exists() or (place.is_dir() and not any(place.glob("anchors-*.jsonl"))):
            raise ValueError(f"There are no anchors at {place}.")
        return list(read_folder(place))
