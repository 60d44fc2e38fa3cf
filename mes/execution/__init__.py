"""The floor acts, the only door: start, suspend, consume, report, complete, undo, and the release that opens checks.

Terminal, API, machines, simulator and imports call these and nothing below them for these acts. One act is one
transaction that calls down: labor starts or stops, traceability moves material, workorders moves the operation.
"""
