"""The desk pages: floor, orders, lots, settings, signing in. They read by queries and change by actions alone."""
