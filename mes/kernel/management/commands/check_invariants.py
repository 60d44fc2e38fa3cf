"""`manage.py check_invariants`: run every registered invariant and say what was looked at."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mes.kernel.invariants import INVARIANTS, rows_looked_at, violations


class Command(BaseCommand):
    help = "Checks that every invariant holds. Exit 0 and a summary, or exit 1 and one line per violation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        found = violations()
        rows = rows_looked_at()
        if options["json"]:
            body = {
                "violations": [{"invariant": v.code, "text": v.text} for v in found],
                "invariants": len(INVARIANTS),
                "rows": rows,
            }
            self.stdout.write(json.dumps(body))
        else:
            for violation in found:
                self.stdout.write(f"{violation.code}: {violation.text}")
            if not found:
                self.stdout.write(f"0 violations in {len(INVARIANTS)} invariants, {rows} rows")
        if found:
            raise SystemExit(1)
