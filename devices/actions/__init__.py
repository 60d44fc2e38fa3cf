"""The actions of machines: configuring them, reading under a lease, storing, and what becomes of a count."""
