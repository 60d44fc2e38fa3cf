"""Reading orders and the floor: joins, sums and estimates, shaped for pages and the API. Nothing here writes."""
