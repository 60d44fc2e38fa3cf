"""Every event name in the code stands on the page of events."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def names_in_code() -> set[str]:
    found: set[str] = set()
    for room in ("workorders", "traceability", "quality", "labor", "erp_sync"):
        text = (ROOT / room / "events.py").read_text(encoding="utf-8")
        found |= set(re.findall(r'^[A-Z_]+ = "([a-z_]+\.[a-z_]+)"$', text, re.MULTILINE))
    return found


def test_every_event_name_is_documented() -> None:
    names = names_in_code()
    assert len(names) >= 20
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert sorted(name for name in names if f"`{name}`" not in page) == []
