"""What this app asks upward before it lets something happen. Higher apps register their answers in `apps.py`."""

from mes.kernel.gates import Gate

#: Asked with `order_id`, `item_id`, `definition` before an order is released.
BEFORE_RELEASE = Gate("before release")
#: Asked with `order_id` before a released order is taken back to planning.
BEFORE_RECALL = Gate("before recall")
#: Asked with `operation_id` before an operation is completed.
BEFORE_COMPLETE = Gate("before complete")
#: Asked with `operation_id`, `actor` before an operation is started.
BEFORE_START = Gate("before start")
#: Asked with `operation_id` before an operation is skipped.
BEFORE_SKIP = Gate("before skip")
#: Asked with `order_id` before an order is closed by hand.
BEFORE_CLOSE = Gate("before close")
