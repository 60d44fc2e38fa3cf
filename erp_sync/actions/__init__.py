"""What changes rows of this app: people's decisions as commands, and the leases of the engine."""
