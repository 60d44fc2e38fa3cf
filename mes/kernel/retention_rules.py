"""What of the kernel's own tables may go, and when: settled deliveries, receipts, approvals, scans, dead sessions."""

from collections.abc import Callable

from django.conf import settings

from mes.kernel.retention import keep_for


def days(name: str) -> Callable[[], int]:
    return lambda: int(settings.RETENTION_DAYS[name])


keep_for(
    "deliveries",
    "deliveries that were settled; what is owed or parked stays until it is settled",
    days("deliveries"),
    """
    DELETE FROM kernel_delivery WHERE id IN (
        SELECT id FROM kernel_delivery
         WHERE status IN ('DONE', 'SKIPPED') AND settled_at < now() - make_interval(days => %(days)s)
         LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    """,
)
keep_for(
    "receipts",
    "receipts of commands: a repetition after that time is a new command",
    lambda: max(400, days("receipts")()) if days("receipts")() else 0,
    """
    DELETE FROM kernel_commandreceipt WHERE command_id IN (
        SELECT command_id FROM kernel_commandreceipt WHERE recorded_at < now() - make_interval(days => %(days)s)
         ORDER BY recorded_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    """,
)
keep_for(
    "approvals",
    "approvals of late gestures, as long as the receipts of what they let through",
    lambda: max(400, days("receipts")()) if days("receipts")() else 0,
    """
    DELETE FROM kernel_commandapproval WHERE command_id IN (
        SELECT command_id FROM kernel_commandapproval WHERE approved_at < now() - make_interval(days => %(days)s)
         LIMIT %(batch)s)
    """,
)
keep_for(
    "scans",
    "the log of scans; what a scan did stands in the events",
    lambda: max(30, days("scans")()) if days("scans")() else 0,
    """
    DELETE FROM kernel_scanlog WHERE id IN (
        SELECT id FROM kernel_scanlog WHERE occurred_at < now() - make_interval(days => %(days)s)
         ORDER BY id LIMIT %(batch)s)
    """,
)
keep_for(
    "sessions",
    "sessions whose time is over",
    lambda: 1,
    """
    DELETE FROM django_session WHERE session_key IN (
        SELECT session_key FROM django_session WHERE expire_date < now() - make_interval(days => %(days)s)
         LIMIT %(batch)s)
    """,
)
