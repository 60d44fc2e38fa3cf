"""`manage.py simulate_shift`: people of the demo plant at work, and its past filled in behind them."""

import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from mes.demo.shift import Shift
from mes.demo.story import demo_site, load_history
from workorders.models import Site


def _history(site: Site) -> None:
    try:
        load_history(site)
    finally:
        connections.close_all()


class Command(BaseCommand):
    help = "Works the demo plant: reports, completes, starts, and fills in the days behind. Touches demo orders only."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rounds", type=int, help="stop after so many rounds, without pauses")

    def handle(self, *args: Any, **options: Any) -> None:
        site = demo_site()
        if site is None:
            raise CommandError("There is no demo plant; run load_demo_plant first.")
        if options["rounds"] is None:
            threading.Thread(target=_history, args=[site], daemon=True).start()
        Shift(site).run(options["rounds"])
