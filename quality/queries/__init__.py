"""Reading checks: what is owed, what failed, which values were found. Set-based; nothing here writes."""
