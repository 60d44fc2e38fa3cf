"""What must always hold between us and an ERP."""

from mes.kernel.invariants import invariant

invariant(
    "I-36-one-effect-per-event",
    "an ERP is told of an event once, and of two completions of an order only after a person settled the first",
    "erp_sync_outboundmessage",
    """
    SELECT format('connection %s: messages %s and %s both complete %s', a.connection_id, a.id, b.id, a.partition)
      FROM erp_sync_outboundmessage a
      JOIN erp_sync_outboundmessage b ON b.connection_id = a.connection_id AND b.partition = a.partition AND b.id > a.id
     WHERE a.kind = 'order_completion' AND b.kind = 'order_completion'
       AND a.state IN ('PENDING', 'PARKED', 'POSTED') AND b.state IN ('PENDING', 'PARKED', 'POSTED')
       AND NOT EXISTS (SELECT 1 FROM erp_sync_outboundmessage r
                        WHERE r.connection_id = a.connection_id AND r.partition = a.partition
                          AND r.kind = 'order_reversal' AND r.id > a.id AND r.id < b.id)
    """,
)
invariant(
    "I-36-posted-has-attempt",
    "a posted message has the attempt that posted it, with the key under which the ERP holds it",
    "erp_sync_outboundmessage",
    """
    SELECT format('message %s is posted without an attempt that says so', m.id) FROM erp_sync_outboundmessage m
     WHERE m.state = 'POSTED'
       AND NOT EXISTS (SELECT 1 FROM erp_sync_outboundattempt a
                        WHERE a.message_id = m.id AND a.outcome IN ('POSTED', 'ALREADY_POSTED'))
    """,
)
invariant(
    "I-37-in-order",
    "no message of an order was posted while an earlier one of it was unsettled",
    "erp_sync_outboundmessage",
    """
    SELECT format('message %s was posted before %s of the same order', b.id, a.id)
      FROM erp_sync_outboundmessage a
      JOIN erp_sync_outboundmessage b ON b.connection_id = a.connection_id AND b.partition = a.partition AND b.id > a.id
     WHERE b.state = 'POSTED' AND (a.state IN ('PENDING', 'PARKED') OR a.state = 'POSTED' AND a.posted_at > b.posted_at)
    """,
)
invariant(
    "I-38-nothing-lost",
    "a finished order that an ERP waits for has a message to it, or its delivery is still owed",
    "workorders_workorder",
    """
    SELECT format('order %s is done but the ERP of connection %s is not told', o.number, x.connection_id)
      FROM workorders_workorder o
      JOIN erp_sync_externalref x ON x.entity = 'order' AND x.local_id = o.id
     WHERE o.state IN ('DONE', 'CLOSED')
       AND NOT EXISTS (SELECT 1 FROM workorders_workorder s WHERE s.split_from_id IS NOT NULL
                          AND s.state NOT IN ('DONE', 'CLOSED', 'CANCELLED') AND s.split_from_id = o.id)
       AND NOT EXISTS (SELECT 1 FROM erp_sync_outboundmessage m
                        WHERE m.connection_id = x.connection_id AND m.partition = 'order:' || o.id
                          AND m.state <> 'CANCELLED')
       AND NOT EXISTS (SELECT 1 FROM kernel_delivery d
                        WHERE d.subscriber = 'erp' AND d.subject = 'order:' || o.id AND d.status IN ('OPEN', 'PARKED'))
       AND EXISTS (SELECT 1 FROM kernel_event e JOIN kernel_delivery d ON d.event_id = e.id AND d.subscriber = 'erp'
                    WHERE e.subject = 'order:' || o.id AND e.name = 'order.finished')
    """,
)
invariant(
    "I-39-newest-wins",
    "the row of ours that stands for an ERP record holds its newest applied revision",
    "erp_sync_inboundrecord",
    """
    SELECT format('%s %s: holds the revision of %s, not %s', r.entity, r.key, x.modified_at, r.modified_at)
      FROM erp_sync_inboundrecord r
      JOIN erp_sync_externalref x ON x.connection_id = r.connection_id AND x.entity = r.entity AND x.key = r.key
     WHERE r.state = 'APPLIED' AND r.modified_at > x.modified_at
    """,
)
