"""`docs/states.md` from the state tables. `python -m tests.kernel.state_document` writes it anew."""

import os
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/states.md"

HEAD = """# States

Every status field has one table of moves in its app's `states.py`. The table's `Machine` is the only writer of the
field; pages draw their buttons from the same table; a trigger of the database refuses every other move, and every move
outside a command. This page is printed from the tables by `python -m tests.kernel.state_document`; a test fails when it
is out of date.

A hold is a row and never a state: `Hold` stops an item, an order, an operation or a work center, `MaterialHold` a lot.
"""


def document() -> str:
    """The whole page."""
    from devices.states import COUNT
    from quality.states import INSPECTION
    from traceability.states import LOT
    from workorders.states import OPERATION, ORDER

    parts = [HEAD]
    for title, source, machine in (
        ("Work order", "workorders/states.py", ORDER),
        ("Operation", "workorders/states.py", OPERATION),
        ("Lot", "traceability/states.py", LOT),
        ("Inspection", "quality/states.py", INSPECTION),
        ("Machine count", "devices/states.py", COUNT),
    ):
        moves = sorted((before, command, after) for (before, command), after in machine.table.items())
        lines = [f"## {title}", "", f"`{source}`", "", "```mermaid", "stateDiagram-v2"]
        lines += [f"    {before} --> {after}: {command}" for before, command, after in moves]
        lines += ["```", "", "| from | command | to |", "|---|---|---|"]
        lines += [f"| {before} | {command} | {after} |" for before, command, after in moves]
        only_undo = sorted(machine.undo_edges - {(before, after) for before, _command, after in moves})
        if only_undo:
            edges = ", ".join(f"{before} → {after}" for before, after in only_undo)
            lines += ["", f"Only the undo of a command goes back: {edges}."]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mes.settings")
    os.environ.setdefault("MES_DEBUG", "1")
    import django

    django.setup()
    DOCUMENT.write_text(document(), encoding="utf-8")
