"""`manage.py list_refusals`: every refusal of the registry as the page `docs/refusals.md`."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import translation

from mes.kernel.errors import REASONS, STATUS

HEAD = """# Refusals

A refusal is an answer: what is wrong, what to do now, who can override. The `reason` of an error body is one of these;
`code` is the contract's coarser word. Words in braces are filled with the facts of the case. This page is printed by
`manage.py list_refusals`.

| reason | code | status | what is wrong | what to do | who can override |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The page as it must stand in `docs/`."""
    with translation.override("en"):
        rows = [
            f"| `{entry.reason}` | {entry.code} | {STATUS[entry.code]} | {entry.message} | {entry.remedy} "
            f"| {entry.who_can_override} |\n"
            for _reason, entry in sorted(REASONS.items())
        ]
    return HEAD + "".join(rows)


class Command(BaseCommand):
    help = "Prints docs/refusals.md."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(page(), ending="")
