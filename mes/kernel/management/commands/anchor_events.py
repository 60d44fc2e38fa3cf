"""`manage.py anchor_events FILE-OR-FOLDER`: write the newest hash of every chain outside the database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mes.kernel.anchoring import write_anchors
from mes.kernel.verify import anchor_lines


class Command(BaseCommand):
    help = (
        "Writes one anchor per chain to a file, or into an existing folder those that moved since the last time. "
        "Keep them on another machine; verify_events --anchors compares with them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        target: Path = options["file"]
        try:
            if target.is_dir():
                self.stdout.write(write_anchors(target))
                return
            lines = list(anchor_lines())
            temporary = target.with_suffix(target.suffix + ".tmp")
            temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            temporary.replace(target)
        except (OSError, ValueError) as error:
            raise CommandError(f"The anchors cannot be written: {error}") from error
        self.stdout.write(f"{len(lines)} anchors written to {target}")
