"""What must always hold of checks and their values."""

from mes.kernel.invariants import invariant

invariant(
    "I-21-completed-is-checked",
    "no operation is COMPLETED with a mandatory check due or failed",
    "quality_inspection",
    """
    SELECT format('operation %s is COMPLETED, check %s is %s', o.id, i.code, i.state)
      FROM quality_inspection i JOIN workorders_operation o ON o.id = i.operation_id
     WHERE o.state = 'COMPLETED' AND i.is_mandatory AND i.state <> 'PASSED'
    """,
)
invariant(
    "I-24-verdict-is-recomputable",
    "a measurement's verdict follows from its value and the limits copied at release, and the newest decides the check",
    "quality_measurement",
    """
    SELECT format('measurement %s: value %s, verdict %s', m.id, m.value, m.passed)
      FROM quality_measurement m JOIN quality_inspection i ON i.id = m.inspection_id
     WHERE m.passed <> ((i.lower IS NULL OR m.value >= i.lower) AND (i.upper IS NULL OR m.value <= i.upper))
    UNION ALL
    SELECT format('inspection %s is %s, its newest value says otherwise', i.id, i.state)
      FROM quality_inspection i JOIN LATERAL (SELECT passed FROM quality_measurement m WHERE m.inspection_id = i.id
                                               ORDER BY m.id DESC LIMIT 1) n ON true
     WHERE i.state <> CASE WHEN n.passed THEN 'PASSED' ELSE 'FAILED' END
    """,
)
