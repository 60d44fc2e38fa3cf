"""The exact answers for counters, worked out apart from the product: (before, now), rules, (counts, kind). No test."""

CASES = [
    ((None, 100), {}, (0, "BASELINE")),
    ((100, 100), {}, (0, "SAME")),
    ((100, 104), {}, (4, "NORMAL")),
    ((65534, 3), {"max_rate": 10}, (5, "ROLLOVER")),
    ((65534, 3), {}, (5, "ROLLOVER")),
    ((4294967290, 4), {"bits": 32, "max_rate": 20}, (10, "ROLLOVER")),
    ((5000, 0), {"max_rate": 10}, (0, "RESET")),
    ((5000, 7), {"max_rate": 10}, (7, "RESET")),
    ((5000, 7), {"max_rate": 10, "on_reset": "IGNORE"}, (0, "RESET")),
    ((100, 60000), {"max_rate": 10}, (0, "JUMP")),
    ((60000, 100), {"max_rate": 10, "bits": None}, (0, "JUMP")),
    ((100, 4100), {"max_rate": 10, "seconds": 600}, (4000, "NORMAL")),
    ((9999, 1), {"bits": None, "max_rate": 10}, (1, "RESET")),
]
