"""Questions about machines. Reads only."""
