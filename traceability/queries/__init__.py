"""Reading lots and where their material went. Import from here; set-based, nothing here writes."""

from traceability.queries.genealogy import Link, Node, trace, trace_from
from traceability.queries.lots import Need, balances_of, find_lot, hold_text, needs_of, open_holds

__all__ = [
    "Link",
    "Need",
    "Node",
    "balances_of",
    "find_lot",
    "hold_text",
    "needs_of",
    "open_holds",
    "trace",
    "trace_from",
]
