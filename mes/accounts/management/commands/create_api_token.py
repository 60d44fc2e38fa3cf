"""`manage.py create_api_token --role ROLE [--name NAME] [--site CODE]`: a token for another system, printed once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from mes.accounts.models import ROLES
from mes.accounts.tokens import create_token


class Command(BaseCommand):
    help = "Make a token for the API. It is printed alone on the last line and can never be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", required=True, choices=[role for role, _label in ROLES])
        parser.add_argument("--name", default="", help="what the token is for; stands in every event it causes")
        parser.add_argument("--site", default="", help="the code of the plant; by default the first one")

    def handle(self, *args: Any, **options: Any) -> None:
        site_id, code = self._site(options["site"])
        name = (options["name"].strip() or options["role"])[:60]
        secret = create_token(role=options["role"], name=name, site_id=site_id)
        self.stderr.write(f"A token “{name}” in the role {options['role']} at {code}, valid for a year:")
        self.stdout.write(secret)

    def _site(self, code: str) -> tuple[int, str]:
        # Sites live in an app above this one, so their table is read and not imported.
        where, values = ("WHERE code = %s", [code]) if code else ("", [])
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id, code FROM workorders_site {where} ORDER BY id LIMIT 1", values)  # noqa: S608
            row = cursor.fetchone()
        if row is None:
            raise CommandError(f"There is no plant {code}." if code else "There is no plant yet; make its site first.")
        return int(row[0]), str(row[1])
