"""What of this app's tables may go, and when: old revisions that an ERP once sent. Messages and attempts stay."""

from mes.kernel.retention import keep_for
from mes.kernel.retention_rules import days

keep_for(
    "inbound records",
    "revisions an ERP sent that were applied or overtaken; the one we hold of each record stays",
    lambda: max(90, days("inbound")()) if days("inbound")() else 0,
    """
    DELETE FROM erp_sync_inboundrecord WHERE id IN (
        SELECT r.id FROM erp_sync_inboundrecord r
         WHERE r.state IN ('APPLIED', 'SUPERSEDED') AND r.received_at < now() - make_interval(days => %(days)s)
           AND NOT EXISTS (SELECT 1 FROM erp_sync_externalref e
                            WHERE e.connection_id = r.connection_id AND e.entity = r.entity AND e.key = r.key
                              AND e.digest = r.digest)
         ORDER BY r.id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
    """,
)
