"""`manage.py up`: the whole product from one data folder. The work is done in `mes/supervisor`; `run.py` calls this."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import get_commands
from django.core.management.base import BaseCommand

from mes.supervisor.instance import Instance, Refusal
from mes.supervisor.up import Supervisor, Wishes


class Command(BaseCommand):
    help = "Starts database, broker, web, live stream, workers and the demo plant; Ctrl-C stops them all."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--data", type=Path, default=Path("var"))
        parser.add_argument("--empty", action="store_true", help="without the demo plant")
        parser.add_argument("--no-simulation", action="store_true", help="the demo plant stands still")
        parser.add_argument("--tls", action="store_true", help="serve HTTPS with a local certificate authority")
        parser.add_argument("--debug", action="store_true", help="error pages, restart when a file changes")

    def handle(self, *args: Any, **options: Any) -> None:
        wishes = Wishes(
            host=options["host"],
            port=options["port"],
            empty=options["empty"],
            simulation=not options["no_simulation"],
            tls=options["tls"],
            debug=options["debug"],
        )
        try:
            status = Supervisor(Instance(options["data"]), wishes, get_commands().keys()).run()
        except Refusal as refusal:
            self.stderr.write(str(refusal))
            status = 2
        sys.exit(status)
