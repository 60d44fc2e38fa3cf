"""`manage.py verify_events`: prove that no event was altered, inserted or deleted."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mes.kernel.verify import breaks, read_anchors


class Command(BaseCommand):
    help = "Verifies every chain of events, its head and, given a file of them, the anchors. Exit 1 names each break."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--anchors", type=Path, help="a file written by anchor_events")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            anchors = list(read_anchors(options["anchors"])) if options["anchors"] else []
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        found, events, chains = breaks(anchors)
        for text in found:
            self.stdout.write(text)
        if found:
            raise SystemExit(1)
        self.stdout.write(f"{events} events in {chains} chains verify")
