"""`manage.py prepare_database`: tables as this version wants them, and the app role's rights. For each update."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from mes import env
from mes.embedded.roles import grant_to_app


class Command(BaseCommand):
    help = "Migrates as the owner role and lets the app role use every table, later ones included."

    def handle(self, *args: Any, **options: Any) -> None:
        owner, app = env.text("DATABASE_OWNER_URL"), env.text("DATABASE_URL")
        if owner and app:
            role = str(env.database(app)["USER"])
            if role != settings.DATABASES["default"]["USER"]:
                grant_to_app(owner, role)
        call_command("migrate", verbosity=options["verbosity"], interactive=False)
