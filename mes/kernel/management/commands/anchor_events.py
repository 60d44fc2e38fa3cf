"""`manage.py anchor_events FILE`: write the newest hash of every chain to a file that is kept outside the database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mes.kernel.verify import anchor_lines


class Command(BaseCommand):
    help = "Writes one anchor per chain. Keep the file on another machine; verify_events --anchors compares with it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        lines = list(anchor_lines())
        temporary = options["file"].with_suffix(options["file"].suffix + ".tmp")
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        temporary.replace(options["file"])
        self.stdout.write(f"{len(lines)} anchors written to {options['file']}")
