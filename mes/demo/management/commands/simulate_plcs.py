"""`manage.py simulate_plcs`: machine controllers of the demo plant on real Modbus sockets, and the machines behind."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mes.demo.machines import Floor
from mes.demo.story import demo_site


class Command(BaseCommand):
    help = "Answers Modbus for the machines of the demo plant, which make what runs on their work centers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, help="stop after so many seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        site = demo_site()
        if site is None:
            raise CommandError("There is no demo plant; run load_demo_plant first.")
        asyncio.run(Floor(site).run(options["seconds"]))
