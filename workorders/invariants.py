"""What must always hold of orders and operations."""

from mes.kernel.invariants import invariant
from workorders.models import BUCKETS

_SUMS = " OR ".join(f"o.{name} <> coalesce(c.{name}, 0)" for name in BUCKETS)
_TOTALS = ", ".join(f"sum({name}) AS {name}" for name in BUCKETS)

invariant(
    "I-01-buckets-are-their-changes",
    "the buckets of an operation are the sum of its changes, and nothing that arrived is lost",
    "workorders_operation",
    f"""
    SELECT format('operation %s: buckets differ from the sum of its changes', o.id)
      FROM workorders_operation o
      LEFT JOIN (SELECT operation_id, {_TOTALS} FROM workorders_operationchange GROUP BY operation_id) c
             ON c.operation_id = o.id
     WHERE {_SUMS}
        OR o.arrived <> o.queue + o.in_process + o.finished + o.moved + o.scrap + o.held + o.rework + o.short + o.passed
    """,  # noqa: S608 - our own names
)
invariant(
    "I-01-reports-are-buckets",
    "good, scrap and short of an operation are the sum of its reports and of cancelled remainders",
    "workorders_productionreport",
    """
    SELECT format('operation %s: good %s, reported %s', o.id, o.finished + o.moved, coalesce(r.good, 0))
      FROM workorders_operation o
      LEFT JOIN (SELECT operation_id, sum(good) AS good FROM workorders_productionreport GROUP BY operation_id) r
             ON r.operation_id = o.id
     WHERE o.finished + o.moved <> coalesce(r.good, 0)
    """,
)
invariant(
    "I-02-no-more-than-delivered",
    "an operation gets what the operations before it delivered, its own rework and its accepted excess",
    "workorders_operation",
    """
    SELECT format('operation %s: arrived %s, delivered %s, excess %s, rework %s',
                  o.id, o.arrived, s.supply, x.excess, o.rework)
      FROM workorders_operation o
      JOIN (SELECT e.succ_id, min(p.moved + p.passed) AS supply FROM workorders_operationedge e
              JOIN workorders_operation p ON p.id = e.pred_id GROUP BY e.succ_id) s ON s.succ_id = o.id
      LEFT JOIN (SELECT operation_id, sum(excess * CASE WHEN reverses_id IS NULL THEN 1 ELSE 0 END) AS excess
                   FROM workorders_operationchange c
                  WHERE NOT EXISTS (SELECT 1 FROM workorders_operationchange r WHERE r.reverses_id = c.id)
                  GROUP BY operation_id) x ON x.operation_id = o.id
     WHERE o.state <> 'CANCELLED' AND o.arrived <> s.supply + coalesce(x.excess, 0) + o.rework
    """,
)
invariant(
    "I-04-reversals",
    "a reversing row turns the sign of the row it reverses, and each is reversed at most once",
    "workorders_productionreport",
    """
    SELECT format('report %s does not reverse %s exactly', r.id, o.id)
      FROM workorders_productionreport r JOIN workorders_productionreport o ON o.id = r.reverses_id
     WHERE (r.good, r.scrap, r.rework, r.short) <> (-o.good, -o.scrap, -o.rework, -o.short)
    """,
)
invariant(
    "I-05-finite",
    "no quantity is NaN",
    "workorders_operation",
    """
    SELECT format('operation %s holds NaN', id)
      FROM workorders_operation WHERE 'NaN' IN (arrived, queue, in_process, finished, moved, scrap)
    """,
)
invariant(
    "I-17-running-has-a-run",
    "an operation is RUNNING or in SETUP exactly while at least one run is open",
    "workorders_operationrun",
    """
    SELECT format('operation %s is %s with %s open runs', o.id, o.state, count(r.id))
      FROM workorders_operation o LEFT JOIN workorders_operationrun r ON r.operation_id = o.id AND r.ended_at IS NULL
     GROUP BY o.id, o.state HAVING (o.state IN ('RUNNING', 'SETUP')) <> (count(r.id) > 0)
    """,
)
invariant(
    "I-17-one-run-each",
    "nobody has two open runs on one operation",
    "workorders_operationrun",
    """
    SELECT format('%s has %s open runs on operation %s', source, count(*), operation_id)
      FROM workorders_operationrun WHERE ended_at IS NULL GROUP BY operation_id, source HAVING count(*) > 1
    """,
)
invariant(
    "I-20-order-follows-operations",
    "a DONE or CLOSED order has every operation settled and at least one completed",
    "workorders_workorder",
    """
    SELECT format('order %s is %s, its operations are not settled', w.number, w.state) FROM workorders_workorder w
     WHERE w.state IN ('DONE', 'CLOSED')
       AND (EXISTS (SELECT 1 FROM workorders_operation o WHERE o.order_id = w.id
                     AND o.state NOT IN ('COMPLETED', 'SKIPPED', 'CANCELLED'))
            OR NOT EXISTS (SELECT 1 FROM workorders_operation o WHERE o.order_id = w.id AND o.state = 'COMPLETED'))
    """,
)
invariant(
    "I-32-state-has-an-event",
    "an order beyond PLANNED has events on its chain",
    "workorders_workorder",
    """
    SELECT format('order %s is %s without any event', w.number, w.state) FROM workorders_workorder w
     WHERE w.state NOT IN ('RECEIVED', 'PLANNED')
       AND NOT EXISTS (SELECT 1 FROM kernel_eventhead h WHERE h.subject = 'order:' || w.id)
    """,
)
invariant(
    "I-40-people-and-places",
    "people, terminals and tokens belong to a site that exists",
    "accounts_user",
    """
    SELECT format('%s %s belongs to site %s, which does not exist', kind, id, site_id) FROM (
        SELECT 'person' AS kind, id, site_id FROM accounts_user
        UNION ALL SELECT 'terminal', id, site_id FROM accounts_terminal
        UNION ALL SELECT 'token', id, site_id FROM accounts_apitoken) x
     WHERE NOT EXISTS (SELECT 1 FROM workorders_site s WHERE s.id = x.site_id)
    """,
)
