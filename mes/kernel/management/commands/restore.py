"""`manage.py restore DIR`: a backup into an empty database, proved, and set to ask the ERP before it tells anything."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mes.kernel.backup.restoring import NotRestored, restore
from mes.kernel.management.commands.backup import passphrase


class Command(BaseCommand):
    help = "Restores a backup into an empty database. Exit 0 when everything was proved, 1 when not."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="the folder that `backup` wrote")
        parser.add_argument("--plant", default="", help="code or name of the plant that the backup must be of")
        parser.add_argument("--passphrase-file", type=Path, help="opens the key of stored credentials in the backup")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            proved = restore(
                options["folder"].resolve(),
                self.stdout.write,
                plant=options["plant"],
                passphrase=passphrase(options["passphrase_file"]),
            )
        except NotRestored as error:
            raise CommandError(str(error)) from error
        if not proved:
            self.stderr.write("The backup is restored but not proved: read the lines above before anybody works on it.")
            sys.exit(1)
        self.stdout.write("Restored. Start the product; every ERP is asked what it knows before it is told anything.")
