"""The events this app emits. `docs/events.md` describes each."""

LABOR_STARTED = "labor.started"
LABOR_STOPPED = "labor.stopped"
