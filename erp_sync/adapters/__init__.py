"""Adapters translate between our words and one ERP. They keep no state and never retry; the engine does both."""
