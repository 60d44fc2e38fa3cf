"""What of the accounts' tables may go, and when: wrong passwords long past."""

from mes.kernel.retention import keep_for
from mes.kernel.retention_rules import days

keep_for(
    "sign-in failures",
    "wrong passwords whose lock is long over",
    days("sign_in_failures"),
    """
    DELETE FROM accounts_signinfailure WHERE id IN (
        SELECT id FROM accounts_signinfailure
         WHERE last_at < now() - make_interval(days => %(days)s) AND (locked_until IS NULL OR locked_until < now())
         LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    """,
)
