"""The operator's terminal under /t/: pairing, lock, dispatch list, job, sheets, scans.

Every act goes to `mes.execution` or an app's action; nothing here decides what is allowed.
"""
