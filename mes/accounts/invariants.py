"""What must always hold of people, badges and tokens."""

from mes.kernel.invariants import invariant

invariant(
    "I-18-acts-by-people-have-a-person",
    "an event charged to a person names somebody who exists",
    "accounts_user",
    """
    SELECT format('event %s is charged to person %s, who does not exist', e.id, e.actor_id)
      FROM kernel_event e LEFT JOIN accounts_user u ON u.id = e.actor_id
     WHERE e.actor_kind = 'person' AND u.id IS NULL
    """,
)
