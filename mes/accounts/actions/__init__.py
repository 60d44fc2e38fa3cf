"""What changes people and their badges."""
