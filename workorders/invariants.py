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
    "good, scrap, rework and short of an operation are the sum of its reports; cancelling adds the remainder",
    "workorders_productionreport",
    """
    SELECT format('operation %s: good %s, scrap %s, rework %s, short %s; reported %s, %s, %s, %s', o.id,
                  o.finished + o.moved, o.scrap, o.rework, o.short, r.good, r.scrap, r.rework, r.short)
      FROM workorders_operation o
      CROSS JOIN LATERAL (SELECT coalesce(sum(p.good), 0) AS good, coalesce(sum(p.scrap), 0) AS scrap,
                                 coalesce(sum(p.rework), 0) AS rework, coalesce(sum(p.short), 0) AS short
                            FROM workorders_productionreport p WHERE p.operation_id = o.id) r
     WHERE o.finished + o.moved <> r.good OR o.rework <> r.rework
        OR o.state <> 'CANCELLED' AND (o.scrap, o.short) <> (r.scrap, r.short)
        OR o.state = 'CANCELLED' AND (o.scrap < r.scrap OR o.short < r.short)
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
    "I-03-within-tolerance",
    "no operation gets more than the order ever asked for and its over-tolerance, its rework apart",
    "workorders_operation",
    """
    SELECT format('operation %s: arrived %s beside rework %s, released %s, tolerance %s %%', o.id, o.arrived - o.rework,
                  o.rework, r.quantity, r.over_percent)
      FROM workorders_workorder w
      JOIN LATERAL (SELECT max(h.quantity) AS quantity, max(h.over_percent) AS over_percent
                      FROM workorders_workorderevent h
                     WHERE h.pgh_obj_id = w.id AND h.state NOT IN ('RECEIVED', 'PLANNED')) r ON true
      JOIN workorders_operation o ON o.order_id = w.id
     WHERE o.arrived - o.rework > r.quantity * (1 + r.over_percent / 100)
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
    UNION ALL
    SELECT format('report %s is reversed %s times', reverses_id, count(*))
      FROM workorders_productionreport WHERE reverses_id IS NOT NULL GROUP BY reverses_id HAVING count(*) > 1
    """,
)
invariant(
    "I-05-finite",
    "no quantity of an operation, its changes or its reports is NaN or below zero where it must not be",
    "workorders_operation",
    f"""
    SELECT format('operation %s holds no number', id) FROM workorders_operation
     WHERE 'NaN' IN ({", ".join(BUCKETS)}) OR least({", ".join(BUCKETS)}) < 0
    UNION ALL
    SELECT format('change %s holds no number', id) FROM workorders_operationchange
     WHERE 'NaN' IN ({", ".join(BUCKETS)}, excess)
    UNION ALL
    SELECT format('report %s holds no number', id) FROM workorders_productionreport
     WHERE 'NaN' IN (good, scrap, rework, short)
    """,  # noqa: S608 - our own names
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
    "I-19-spans",
    "a run ends after it began and begins no later than now",
    "workorders_operationrun",
    """
    SELECT format('run %s: from %s to %s', id, started_at, ended_at)
      FROM workorders_operationrun WHERE ended_at < started_at OR started_at > now() + interval '15 minutes'
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
    "I-32-history-names-its-command",
    "what an order or an operation became is in its history, each time with the command that did it",
    "workorders_workorder",
    """
    SELECT format('%s %s changed outside a command', kind, id) FROM (
        SELECT 'order' AS kind, pgh_obj_id AS id FROM workorders_workorderevent
         WHERE pgh_context ->> 'command' IS NULL
        UNION ALL SELECT 'operation', pgh_obj_id FROM workorders_operationevent
         WHERE pgh_context ->> 'command' IS NULL) x
    UNION ALL
    SELECT format('order %s is %s, its history says otherwise', w.number, w.state) FROM workorders_workorder w
     WHERE w.state IS DISTINCT FROM (SELECT h.state FROM workorders_workorderevent h WHERE h.pgh_obj_id = w.id
                                      ORDER BY h.pgh_id DESC LIMIT 1)
    UNION ALL
    SELECT format('operation %s is %s, its history says otherwise', o.id, o.state) FROM workorders_operation o
     WHERE o.state IS DISTINCT FROM (SELECT h.state FROM workorders_operationevent h WHERE h.pgh_obj_id = o.id
                                      ORDER BY h.pgh_id DESC LIMIT 1)
    """,
)
invariant(
    "I-40-one-site",
    "an order's item, its work centers and its holds belong to the order's own site",
    "workorders_workorder",
    """
    SELECT format('%s %s reaches into another site', kind, id) FROM (
        SELECT 'order' AS kind, w.id FROM workorders_workorder w JOIN workorders_item i ON i.id = w.item_id
         WHERE i.site_id <> w.site_id
        UNION ALL
        SELECT 'operation', o.id FROM workorders_operation o JOIN workorders_workorder w ON w.id = o.order_id
          JOIN workorders_workcenter c ON c.id = o.work_center_id WHERE c.site_id <> w.site_id
        UNION ALL
        SELECT 'component', m.id FROM workorders_ordermaterial m JOIN workorders_workorder w ON w.id = m.order_id
          JOIN workorders_item i ON i.id = m.item_id WHERE i.site_id <> w.site_id
        UNION ALL
        SELECT 'run', r.id FROM workorders_operationrun r JOIN workorders_operation o ON o.id = r.operation_id
          JOIN workorders_workorder w ON w.id = o.order_id JOIN accounts_user u ON u.id = r.person_id
         WHERE u.site_id <> w.site_id) x
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
invariant(
    "I-41-rank-is-the-last-move",
    "an order moved by hand stands where its last move put it",
    "workorders_resequencing",
    """
    SELECT format('order %s: rank %s, last moved to %s', w.number, w.manual_rank, r.rank_to)
      FROM workorders_workorder w
      JOIN LATERAL (SELECT rank_to FROM workorders_resequencing m WHERE m.order_id = w.id ORDER BY m.id DESC LIMIT 1) r
        ON true
     WHERE w.manual_rank <> r.rank_to
    UNION ALL
    SELECT format('move %s does not take %s back', r.id, o.id)
      FROM workorders_resequencing r JOIN workorders_resequencing o ON o.id = r.reverses_id
     WHERE (r.order_id, r.rank_from, r.rank_to) <> (o.order_id, o.rank_to, o.rank_from)
    """,
)
invariant(
    "I-42-first-operations-hold-the-order",
    "what a released order asks for stands at its first operations, its rework and its excess apart",
    "workorders_workorder",
    """
    SELECT format('order %s: %s ordered, %s arrived at operation %s', w.number, w.quantity, o.arrived, o.sequence)
      FROM workorders_workorder w
      JOIN workorders_operation o ON o.order_id = w.id AND o.state <> 'CANCELLED'
      LEFT JOIN (SELECT operation_id, sum(excess) AS excess FROM workorders_operationchange c
                  WHERE reverses_id IS NULL AND excess <> 'NaN'
                    AND NOT EXISTS (SELECT 1 FROM workorders_operationchange r WHERE r.reverses_id = c.id)
                  GROUP BY operation_id) x ON x.operation_id = o.id
     WHERE w.state IN ('RELEASED', 'RUNNING', 'DONE', 'CLOSED')
       AND NOT EXISTS (SELECT 1 FROM workorders_operationedge e WHERE e.succ_id = o.id)
       AND o.arrived <> w.quantity + o.rework + coalesce(x.excess, 0)
    """,
)
invariant(
    "I-43-corrections-after-the-end",
    "only closed orders carry corrections, and no operation made less than nothing with them",
    "workorders_ordercorrection",
    """
    SELECT format('correction %s: order %s is %s', c.id, w.number, w.state)
      FROM workorders_ordercorrection c JOIN workorders_workorder w ON w.id = c.order_id
      JOIN workorders_operation o ON o.id = c.operation_id
     WHERE w.state <> 'CLOSED' OR o.order_id <> w.id
    UNION ALL
    SELECT format('operation %s: good %s, scrap %s after its corrections', o.id,
                  o.finished + o.moved + o.passed + sum(c.good), o.scrap + sum(c.scrap))
      FROM workorders_ordercorrection c JOIN workorders_operation o ON o.id = c.operation_id
     GROUP BY o.id
    HAVING o.finished + o.moved + o.passed + sum(c.good) < 0 OR o.scrap + sum(c.scrap) < 0
    """,
)
invariant(
    "I-44-changes-are-decided-once",
    "a change request of an order that ended is decided",
    "workorders_changerequest",
    """
    SELECT format('change request %s of order %s is still open, the order %s', c.id, w.number, w.state)
      FROM workorders_changerequest c JOIN workorders_workorder w ON w.id = c.order_id
     WHERE c.state = 'REQUESTED' AND w.state IN ('CLOSED', 'CANCELLED')
    """,
)
