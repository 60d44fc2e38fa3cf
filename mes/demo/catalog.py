"""What the demo plant is: places, people, items, bills, routings and checks, as plain data."""

SITE = ("PLANT-A", "Plant A", "Europe/Berlin")

#: Area code, name, work centers in walking order: code, name.
AREAS = [
    (
        "PRESSING",
        "Pressing",
        [
            ("CUT-1", "Blank saw 1"),
            ("PRESS-1", "Press 1"),
            ("PRESS-2", "Press 2"),
            ("PRESS-3", "Press 3"),
            ("PRESS-4", "Press 4"),
        ],
    ),
    (
        "MACHINING",
        "Machining",
        [
            ("CNC-1", "Machining cell 1"),
            ("CNC-2", "Machining cell 2"),
            ("CNC-3", "Machining cell 3"),
            ("LATHE-1", "Lathe 1"),
            ("LATHE-2", "Lathe 2"),
        ],
    ),
    (
        "SURFACE",
        "Heat and surface",
        [
            ("HT-OVEN", "Heat treatment oven"),
            ("WASH-1", "Washer"),
            ("PAINT-1", "Paint booth"),
            ("GRIND-1", "Grinder"),
            ("BAL-1", "Balancing machine"),
        ],
    ),
    (
        "ASSEMBLY",
        "Assembly and test",
        [
            ("ASSY-1", "Assembly bench 1"),
            ("ASSY-2", "Assembly bench 2"),
            ("ASSY-3", "Assembly bench 3"),
            ("TEST-1", "Pressure test stand"),
            ("PACK-1", "Packing"),
        ],
    ),
]

#: Work centers whose machine counts, by a controller that is read.
MACHINES = ["PRESS-3", "CNC-1", "LATHE-1", "BAL-1"]

#: Shift name, local start hour, on all days of the week.
SHIFTS = [("Early shift", 6), ("Late shift", 14), ("Night shift", 22)]

REASONS = [
    ("SCRAP", "RIM", "Rim cracked"),
    ("SCRAP", "BORE", "Bore out of size"),
    ("SCRAP", "POROSITY", "Porous casting"),
    ("SCRAP", "SCRATCH", "Sealing face scratched"),
    ("SCRAP", "SETUP", "Set-up piece"),
    ("SCRAP", "LEAK", "Leaks in test"),
    ("HOLD", "QUALITY", "Quality question"),
    ("HOLD", "MATERIAL", "Material missing"),
    ("HOLD", "CUSTOMER", "Customer change"),
    ("HOLD", "PLANNING", "Planning decision"),
    ("DOWNTIME", "TOOL", "Tool change"),
    ("DOWNTIME", "FAULT", "Machine fault"),
    ("DOWNTIME", "BREAK", "Break"),
    ("DOWNTIME", "NO_MATERIAL", "Waiting for material"),
    ("SKIP", "NOT_NEEDED", "Not needed for this order"),
    ("ADJUST", "COUNT", "Stock count"),
    ("ADJUST", "DAMAGED", "Damaged in store"),
    ("OVERRIDE", "SUPERVISOR", "Supervisor's decision"),
    ("INDIRECT", "CLEAN", "Cleaning"),
    ("INDIRECT", "MEETING", "Meeting"),
]

#: Code, name, unit, tracking.
ITEMS = [
    ("BLANK-32", "Bronze blank 32", "pc", "LOT"),
    ("BLANK-40", "Bronze blank 40", "pc", "LOT"),
    ("BLANK-50", "Bronze blank 50", "pc", "LOT"),
    ("CAST-40", "Housing casting 40", "pc", "LOT"),
    ("CAST-50", "Housing casting 50", "pc", "LOT"),
    ("BAR-22", "Shaft steel, round 22", "m", "LOT"),
    ("BAR-28", "Shaft steel, round 28", "m", "LOT"),
    ("PLATE-40", "Cover plate blank 40", "pc", "LOT"),
    ("SEAL-22", "Shaft seal 22", "pc", "LOT"),
    ("SEAL-28", "Shaft seal 28", "pc", "LOT"),
    ("BEARING-22", "Ball bearing 22", "pc", "LOT"),
    ("BEARING-28", "Ball bearing 28", "pc", "LOT"),
    ("PAINT-RAL5010", "Paint, gentian blue", "kg", "LOT"),
    ("BOLT-M8", "Bolt M8 × 30", "pc", "NONE"),
    ("CARTON-P", "Pump carton", "pc", "NONE"),
    ("IMP-32", "Impeller 32", "pc", "LOT"),
    ("IMP-40", "Impeller 40", "pc", "LOT"),
    ("IMP-50", "Impeller 50", "pc", "LOT"),
    ("HSG-40", "Housing 40", "pc", "LOT"),
    ("HSG-50", "Housing 50", "pc", "LOT"),
    ("SH-22", "Shaft 22", "pc", "LOT"),
    ("SH-28", "Shaft 28", "pc", "LOT"),
    ("CP-40", "Cover plate 40", "pc", "LOT"),
    ("PA-40", "Pump PA-40", "pc", "LOT"),
    ("PA-50", "Pump PA-50", "pc", "LOT"),
]

#: Item, lines: component, quantity per piece, sequence of the operation that draws it.
BOMS = {
    "IMP-32": [("BLANK-32", "1", 20)],
    "IMP-40": [("BLANK-40", "1", 20)],
    "IMP-50": [("BLANK-50", "1", 20)],
    "HSG-40": [("CAST-40", "1", 10), ("PAINT-RAL5010", "0.12", 40)],
    "HSG-50": [("CAST-50", "1", 10), ("PAINT-RAL5010", "0.16", 40)],
    "SH-22": [("BAR-22", "0.35", 10)],
    "SH-28": [("BAR-28", "0.42", 10)],
    "CP-40": [("PLATE-40", "1", 10)],
    "PA-40": [
        ("IMP-40", "1", 10),
        ("HSG-40", "1", 10),
        ("SH-22", "1", 10),
        ("CP-40", "1", 10),
        ("SEAL-22", "1", 10),
        ("BEARING-22", "2", 10),
        ("BOLT-M8", "8", 10),
        ("CARTON-P", "1", 30),
    ],
    "PA-50": [
        ("IMP-50", "1", 10),
        ("HSG-50", "1", 10),
        ("SH-28", "1", 10),
        ("SEAL-28", "1", 10),
        ("BEARING-28", "2", 10),
        ("BOLT-M8", "10", 10),
        ("CARTON-P", "1", 30),
    ],
}

#: Item, version, steps: sequence, name, work center, set-up minutes, minutes per piece.
IMPELLER = [
    (10, "Cut blank", "CUT-1", "10", "0.5"),
    (20, "Press impeller", "{press}", "25", "1"),
    (30, "Turn hub bore", "LATHE-1", "20", "1.5"),
    (40, "Solution heat treat", "HT-OVEN", "15", "0.6"),
    (50, "Balance", "BAL-1", "10", "1.2"),
]
HOUSING = [
    (10, "Machine housing", "{cell}", "40", "3.5"),
    (20, "Wash", "WASH-1", "5", "0.4"),
    (30, "Grind sealing face", "GRIND-1", "15", "1.1"),
    (40, "Paint", "PAINT-1", "20", "0.8"),
]
SHAFT = [
    (10, "Turn shaft", "LATHE-2", "20", "2.2"),
    (20, "Grind bearing seats", "GRIND-1", "15", "1.6"),
]
COVER = [(10, "Mill cover plate", "CNC-3", "20", "1.4"), (20, "Wash", "WASH-1", "5", "0.3")]
PUMP = [
    (10, "Assemble pump", "{bench}", "10", "6"),
    (20, "Pressure test", "TEST-1", "10", "2"),
    (30, "Pack", "PACK-1", "5", "1"),
]
ROUTINGS = [
    ("IMP-32", "B", IMPELLER, {"press": "PRESS-2"}),
    ("IMP-32", "A", IMPELLER, {"press": "PRESS-1"}),
    ("IMP-40", "B", IMPELLER, {"press": "PRESS-4"}),
    ("IMP-40", "A", IMPELLER, {"press": "PRESS-3"}),
    ("IMP-50", "A", IMPELLER, {"press": "PRESS-2"}),
    ("HSG-40", "B", HOUSING, {"cell": "CNC-2"}),
    ("HSG-40", "A", HOUSING, {"cell": "CNC-1"}),
    ("HSG-50", "A", HOUSING, {"cell": "CNC-2"}),
    ("SH-22", "A", SHAFT, {}),
    ("SH-28", "A", SHAFT, {}),
    ("CP-40", "A", COVER, {}),
    ("PA-40", "B", PUMP, {"bench": "ASSY-2"}),
    ("PA-40", "A", PUMP, {"bench": "ASSY-1"}),
    ("PA-50", "A", PUMP, {"bench": "ASSY-3"}),
]

INSTRUCTIONS = {
    "Press impeller": "Set the notch over the locating pin. The rim must lie flat before you close the guard.",
    "Turn hub bore": "Clamp on the rim, never on the blades. Measure the bore after the first piece and every ten.",
    "Assemble pump": "Grease the shaft seal, press it in flush, then tighten the cover bolts crosswise to 24 Nm.",
    "Pressure test": "Fill with water, vent, raise to test pressure and hold for 60 seconds. No drop is allowed.",
    "Grind sealing face": "Dress the wheel first. The face must show an even pattern without chatter marks.",
    "Paint": "Mask the sealing face and the name plate. Two coats, ten minutes between them.",
}

#: Item, operation, code, name, unit, lower, nominal, upper, decimals.
CHECKS = [
    ("IMP-40", 30, "bore", "Hub bore", "mm", "21.98", "22.00", "22.02", 3),
    ("IMP-32", 30, "bore", "Hub bore", "mm", "17.98", "18.00", "18.02", 3),
    ("IMP-50", 30, "bore", "Hub bore", "mm", "27.98", "28.00", "28.02", 3),
    ("IMP-40", 50, "unbalance", "Residual unbalance", "g·mm", None, "0", "40", 1),
    ("SH-22", 20, "seat", "Bearing seat", "mm", "21.993", "22.000", "22.002", 3),
    ("HSG-40", 30, "flatness", "Flatness of the sealing face", "µm", None, "0", "20", 1),
    ("PA-40", 20, "pressure", "Test pressure", "bar", "15.5", "16.0", "16.5", 2),
    ("PA-50", 20, "pressure", "Test pressure", "bar", "15.5", "16.0", "16.5", 2),
]

#: Username, name, role, password or PIN, badge code. The office signs in with a password, the floor with badge and PIN.
OFFICE = [
    ("supervisor", "Sam Ortega", "supervisor", "K4T9WZ"),
    ("quality", "Quinn Weber", "quality", "P7D3XN"),
    ("planner", "Pia Lang", "planner", "R2M8VC"),
    ("erp", "Erin Falk", "erp", "T6H5QB"),
    ("admin", "Adam Stein", "admin", "X9G2LF"),
]
OFFICE_PASSWORD = "demo"  # noqa: S105 - printed at start, exists only with demo data
OFFICE_PIN = "2580"

#: Username, name, role, badge, PIN, the work centers they tend.
FLOOR = [
    ("lead", "Lea Brandt", "lead", "7L3KD2", "4711", []),
    ("ana", "Ana Duarte", "operator", "7Q2M9X", "1234", ["CUT-1", "PRESS-1", "PRESS-2"]),
    ("ben", "Ben Okafor", "operator", "3F8RT5", "2345", ["PRESS-3", "PRESS-4"]),
    ("cem", "Cem Aydin", "operator", "9W4HJ6", "3456", ["CNC-1", "CNC-2"]),
    ("dora", "Dora Nemeth", "operator", "5B7NK8", "4567", ["CNC-3", "LATHE-1"]),
    ("emil", "Emil Krause", "operator", "2V6PG9", "5678", ["LATHE-2", "GRIND-1"]),
    ("fatma", "Fatma Yildiz", "operator", "8C5SM3", "6789", ["HT-OVEN", "WASH-1"]),
    ("gus", "Gus Lindqvist", "operator", "4D9TR7", "7890", ["PAINT-1", "BAL-1"]),
    ("hana", "Hana Sato", "operator", "6X2FK4", "8901", ["ASSY-1", "ASSY-2"]),
    ("ivo", "Ivo Petrov", "operator", "1Z8QW5", "9012", ["ASSY-3", "TEST-1"]),
    ("jana", "Jana Novak", "operator", "0Y7LB6", "1357", ["PACK-1"]),
]
