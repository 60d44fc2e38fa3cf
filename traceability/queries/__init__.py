"""Reading lots and where their material went. Import from here; set-based, nothing here writes."""

from traceability.queries.genealogy import Link, Node, Use, trace, trace_from, uses_without_lot
from traceability.queries.lots import Need, balances_of, find_lot, hold_text, needs_of, open_holds

__all__ = [
    "Link",
    "Need",
    "Node",
    "Use",
    "balances_of",
    "find_lot",
    "hold_text",
    "needs_of",
    "open_holds",
    "trace",
    "trace_from",
    "uses_without_lot",
]
