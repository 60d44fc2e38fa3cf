"""What changes rows of this app."""
