"""The settings area: places, calendars, reasons, units, people, terminals, and master data keyed in by hand."""
