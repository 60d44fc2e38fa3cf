"""`manage.py keep_house`: anchors, backups, retention and proofs as often as set, until it is told to stop."""

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mes.kernel import housekeeping


class Command(BaseCommand):
    help = "Writes anchors, takes backups, deletes what is over its time, proves the log. --once does all that is due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            did = housekeeping.look()
            self.stdout.write(f"Done: {', '.join(did)}" if did else "Nothing was due.")
            return
        stopped: list[int] = []
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda number, _frame: stopped.append(number))
        housekeeping.keep(lambda: bool(stopped))
