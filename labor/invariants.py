"""What must always hold of people's time."""

from mes.kernel.invariants import invariant

invariant(
    "I-17-labor-follows-runs",
    "a person's labor entry has the span of its run",
    "labor_laborentry",
    """
    SELECT format('labor %s does not match run %s', l.id, r.id)
      FROM labor_laborentry l JOIN workorders_operationrun r ON r.id = l.run_id
     WHERE (l.started_at, l.person_id, l.ended_at, l.voided_by)
           IS DISTINCT FROM (r.started_at, r.person_id, r.ended_at, r.voided_by)
    UNION ALL
    SELECT format('run %s of person %s has no labor', r.id, r.person_id)
      FROM workorders_operationrun r LEFT JOIN labor_laborentry l ON l.run_id = r.id
     WHERE r.person_id IS NOT NULL AND l.id IS NULL
    """,
)
