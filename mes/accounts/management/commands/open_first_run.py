"""`manage.py open_first_run`: prints a one-time code for the first administrator while nobody exists yet."""

from typing import Any

from django.core.management.base import BaseCommand

from mes.accounts.actions.first_admin import is_first_run, make_code


class Command(BaseCommand):
    help = "Print a code with which the first administrator and the plant are made. Says nothing once somebody exists."

    def handle(self, *args: Any, **options: Any) -> None:
        if is_first_run():
            self.stdout.write("Nobody can sign in yet. Open the address above and enter this code, which works once:")
            self.stdout.write(f"FIRST {make_code()}")
