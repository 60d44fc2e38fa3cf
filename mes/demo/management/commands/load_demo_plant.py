"""`manage.py load_demo_plant`: the demo plant as it opens. Safe to run again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mes.demo.plant import lay_out
from mes.demo.story import demo_site, load_history, load_present
from workorders.models import Site


class Command(BaseCommand):
    help = "Lays out the demo plant with its people, stock and orders. Changes nothing where there is a plant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--history", action="store_true", help="also load the finished orders of the last days")

    def handle(self, *args: Any, **options: Any) -> None:
        if demo_site() is None and Site.objects.exists():
            self.stdout.write("There is another plant here: the demo plant stays out.")
            return
        site = lay_out()
        made = load_present(site)
        if options["history"]:
            load_history(site)
        self.stdout.write(f"Demo plant {site.code}: {made} orders made.")
