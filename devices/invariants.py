"""What must always hold of machines, their leases and their counts."""

from mes.kernel.invariants import invariant

invariant(
    "I-27-one-state-at-a-time",
    "a machine is in one state at a time, and only its last state is open",
    "devices_equipmentstate",
    """
    SELECT format('work unit %s: %s and %s overlap', a.work_unit_id, a.span, b.span)
      FROM devices_equipmentstate a JOIN devices_equipmentstate b
        ON b.work_unit_id = a.work_unit_id AND b.id > a.id AND b.span && a.span
    """,
)
invariant(
    "I-28-counts-in-line",
    "within an epoch a counter's facts are numbered without a gap and do not overlap in time",
    "devices_countevent",
    """
    SELECT format('tag %s, epoch %s: number %s follows %s', tag_id, epoch, sequence, before)
      FROM (SELECT tag_id, epoch, sequence, started_at,
                   lag(sequence, 1, 0) OVER w AS before, lag(ended_at) OVER w AS ended
              FROM devices_countevent WINDOW w AS (PARTITION BY tag_id, epoch ORDER BY sequence)) x
     WHERE sequence <> before + 1 OR started_at < ended
    """,
)
invariant(
    "I-29-posted-once",
    "what the reports of a machine's command add up to is what its posted counts add up to",
    "devices_countevent",
    """
    SELECT format('command %s: counted %s, reported %s', c.posted_command, c.quantity, coalesce(r.quantity, 0))
      FROM (SELECT posted_command, sum(quantity) AS quantity FROM devices_countevent
             WHERE posting = 'POSTED' GROUP BY posted_command) c
      LEFT JOIN (SELECT command_id, sum(good + scrap) AS quantity FROM workorders_productionreport
                  GROUP BY command_id) r ON r.command_id = c.posted_command
     WHERE c.quantity <> coalesce(r.quantity, 0)
    """,
)
invariant(
    "I-29-one-reader",
    "a group's open epoch is that of its lease, and a lease that somebody holds has one",
    "devices_polllease",
    """
    SELECT format('group %s: lease %s by %L, open epoch %s', l.group_id, l.fence, l.owner, e.fence)
      FROM devices_polllease l
      LEFT JOIN devices_leaseepoch e ON e.group_id = l.group_id AND e.ended_at IS NULL
     WHERE (l.owner <> '') <> (e.fence IS NOT NULL) OR e.fence <> l.fence
    """,
)
invariant(
    "I-29-address-undivided",
    "devices behind one address are read by one collector",
    "devices_device",
    """
    SELECT format('%s:%s is read in the groups %s', host, port, string_agg(DISTINCT group_id::text, ', '))
      FROM devices_device WHERE is_active GROUP BY site_id, driver, host, port HAVING count(DISTINCT group_id) > 1
    """,
)
