"""The events this app emits. `docs/events.md` describes each."""

CHECK_RECORDED = "check.recorded"
CHECK_FAILED = "check.failed"
