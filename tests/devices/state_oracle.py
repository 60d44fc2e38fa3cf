"""The exact answer for states: a shift of 480 minutes, told by samples, as the intervals drawn by hand. No test.

A fault with an 18 s false run in it, two short stops, a device silent from 200 to 215. Times are minutes.
"""

CODES = {0: "STOP", 1: "RUN", 2: "FAULT", 3: "SETUP", 4: "STARVED", 5: "BLOCKED"}
STALE, MIN_RUN, END = 2.0, 0.5, 480.0
_HAPPENED = [
    (0, 3), (20, 1), (100, 0), (101.5, 1), (150, 2), (160, 1), (160.3, 2), (175, 1), (260, 4), (268, 1), (300, 0),
    (301, 1), (400, 5), (405, 1),
]  # fmt: skip
INTERVALS = [
    (0, 20, "SETUP"), (20, 100, "RUN"), (100, 101.5, "STOP"), (101.5, 150, "RUN"), (150, 175, "FAULT"),
    (175, 200, "RUN"), (200, 215, "UNKNOWN"), (215, 260, "RUN"), (260, 268, "STARVED"), (268, 300, "RUN"),
    (300, 301, "STOP"), (301, 400, "RUN"), (400, 405, "BLOCKED"), (405, 480, "RUN"),
]  # fmt: skip


def samples() -> list[tuple[float, int]]:
    """One a minute from each happening on; none while the device is silent."""
    found = []
    for place, (start, code) in enumerate(_HAPPENED):
        end = _HAPPENED[place + 1][0] if place + 1 < len(_HAPPENED) else END
        moment = float(start)
        while moment < end:
            if not 200 < moment < 215:
                found.append((moment, code))
            moment += 1.0
    return found
