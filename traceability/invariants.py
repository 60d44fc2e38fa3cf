"""What must always hold of lots, movements and genealogy."""

from mes.kernel.invariants import invariant

invariant(
    "I-06-balance-is-its-movements",
    "the balance of a lot at a location is the sum of its movements there",
    "traceability_lotbalance",
    """
    SELECT format('lot %s at %s: balance %s, movements %s', coalesce(b.lot_id, m.lot_id),
                  coalesce(b.location_id, m.location_id), coalesce(b.quantity, 0), coalesce(m.total, 0))
      FROM traceability_lotbalance b
      FULL JOIN (SELECT lot_id, location_id, sum(quantity) AS total FROM traceability_materialmovement
                  WHERE lot_id IS NOT NULL GROUP BY lot_id, location_id) m
             ON m.lot_id = b.lot_id AND m.location_id = b.location_id
     WHERE coalesce(b.quantity, 0) <> coalesce(m.total, 0)
    """,
)
invariant(
    "I-07-no-negative-balance",
    "no balance is negative",
    "traceability_lotbalance",
    """
    SELECT format('lot %s at %s: %s', lot_id, location_id, quantity)
      FROM traceability_lotbalance WHERE quantity < 0 OR quantity = 'NaN'
    """,
)
invariant(
    "I-08-not-while-on-hold",
    "nothing was drawn from a lot between the hold placed on it and its release, nor after the lot's last day",
    "traceability_materialmovement",
    """
    SELECT format('event %s drew from %s while it was on hold', e.id, e.label)
      FROM kernel_event e
     WHERE e.name = 'material.consumed' AND e.subject LIKE 'lot:%' AND NOT e.payload ? 'reversed'
       AND (SELECT count(*) FILTER (WHERE h.name = 'hold.placed') - count(*) FILTER (WHERE h.name = 'hold.released')
              FROM kernel_event h WHERE h.subject = e.subject AND h.seq < e.seq) > 0
    UNION ALL
    SELECT format('movement %s drew from lot %s, which had expired on %s', m.id, l.number, l.expiry)
      FROM traceability_materialmovement m JOIN traceability_materiallot l ON l.id = m.lot_id
      JOIN workorders_site s ON s.id = m.site_id
     WHERE m.kind = 'CONSUME' AND m.reverses_id IS NULL
       AND (m.recorded_at AT TIME ZONE s.time_zone)::date > l.expiry
    """,
)
invariant(
    "I-10-consumed-is-on-the-bill",
    "consumed material is a component of its operation",
    "traceability_materialmovement",
    """
    SELECT format('movement %s: item %s is no component of operation %s', m.id, m.item_id, m.operation_id)
      FROM traceability_materialmovement m
     WHERE m.kind = 'CONSUME' AND NOT EXISTS (
        SELECT 1 FROM workorders_ordermaterial r WHERE r.operation_id = m.operation_id AND r.item_id = m.item_id)
    """,
)
invariant(
    "I-12-no-cycle",
    "no lot is made of itself",
    "traceability_genealogylink",
    """
    WITH RECURSIVE reached(start, id) AS (
        SELECT source_id, target_id FROM traceability_genealogylink
        UNION
        SELECT r.start, l.target_id FROM reached r JOIN traceability_genealogylink l ON l.source_id = r.id)
    SELECT format('lot %s is made of itself', start) FROM reached WHERE start = id
    """,
)
invariant(
    "I-15-links-are-consumption",
    "a link stands exactly where an order net consumed its source upstream of an output of its target",
    "traceability_genealogylink",
    """
    WITH RECURSIVE up(lot_id, operation_id) AS (
        SELECT id, made_by_id FROM traceability_materiallot WHERE made_by_id IS NOT NULL
        UNION
        SELECT u.lot_id, e.pred_id FROM up u JOIN workorders_operationedge e ON e.succ_id = u.operation_id),
    facts AS (
        SELECT m.lot_id AS source_id, u.lot_id AS target_id, m.order_id, -sum(m.quantity) AS quantity
          FROM up u JOIN traceability_materialmovement m ON m.operation_id = u.operation_id AND m.kind = 'CONSUME'
         WHERE m.lot_id IS NOT NULL
           AND (SELECT coalesce(sum(o.quantity), 0) FROM traceability_materialmovement o
                 WHERE o.lot_id = u.lot_id AND o.kind = 'OUTPUT') > 0
         GROUP BY m.lot_id, u.lot_id, m.order_id HAVING -sum(m.quantity) > 0)
    SELECT format('link %s → %s on order %s: link %s, facts %s', coalesce(l.source_id, f.source_id),
                  coalesce(l.target_id, f.target_id), coalesce(l.order_id, f.order_id), l.quantity, f.quantity)
      FROM traceability_genealogylink l
      FULL JOIN facts f ON f.source_id = l.source_id AND f.target_id = l.target_id AND f.order_id = l.order_id
     WHERE l.quantity IS DISTINCT FROM f.quantity
    """,
)
invariant(
    "I-15-output-is-good",
    "what went into the lots of an operation is not more than it reported good",
    "traceability_materialmovement",
    """
    SELECT format('operation %s: output %s, good %s', o.id, m.total, o.finished + o.moved)
      FROM (SELECT operation_id, sum(quantity) AS total FROM traceability_materialmovement
             WHERE kind = 'OUTPUT' GROUP BY operation_id) m
      JOIN workorders_operation o ON o.id = m.operation_id
     WHERE m.total > o.finished + o.moved
    """,
)
invariant(
    "I-40-material-of-one-site",
    "a movement's lot, item, place and order belong to its own site",
    "traceability_materialmovement",
    """
    SELECT format('movement %s reaches into another site', m.id)
      FROM traceability_materialmovement m
      JOIN workorders_item i ON i.id = m.item_id
      LEFT JOIN traceability_materiallot l ON l.id = m.lot_id
      LEFT JOIN workorders_storagelocation p ON p.id = m.location_id
      LEFT JOIN workorders_workorder w ON w.id = m.order_id
     WHERE i.site_id <> m.site_id OR l.site_id <> m.site_id OR p.site_id <> m.site_id OR w.site_id <> m.site_id
    """,
)
