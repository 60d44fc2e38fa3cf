"""`manage.py check_migrations`: every model change has a migration, and none would break a version still running."""

import sys
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Fails when a migration is missing or unsafe. A development tool: it needs the test requirements."

    def handle(self, *args: Any, **options: Any) -> None:
        from django_migration_linter import MigrationLinter

        call_command("makemigrations", check_changes=True, dry_run=True, verbosity=1)
        ours = [app.label for app in apps.get_app_configs() if app.path.startswith(str(settings.BASE_DIR) + "/")]
        linter = MigrationLinter(
            str(settings.BASE_DIR),
            include_apps=[label for label in ours if label in apps.app_configs],
            no_cache=True,
            quiet=["ok", "ignore", "warning"],
            # What an initial migration creates no running version knows yet.
            ignore_initial_migrations=True,
        )
        linter.lint_all_migrations()
        if linter.nb_total == 0:
            self.stderr.write("The migration linter found no migration at all; its settings are wrong.")
            sys.exit(1)
        if linter.has_errors:
            sys.exit(1)
        self.stdout.write(f"{linter.nb_total} migrations are complete and safe.")
