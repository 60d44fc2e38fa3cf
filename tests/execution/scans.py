"""A scan that checks its own answer: a known reason, and sentences for every verdict."""

from mes.execution.scan_answers import REASONS, ScanAnswer
from mes.execution.scanning import read_scan
from mes.kernel import scanning
from mes.kernel.errors import REASONS as REFUSALS
from tests.builders import Plant, command_id


def scan(works: Plant, code: str, operation=None, act: bool = False, **more) -> ScanAnswer:
    made = more.pop("command_id", command_id() if act else None)
    answer = read_scan(
        actor=more.pop("actor", works.person()),
        code=code,
        operation_id=operation.pk if operation is not None else None,
        act=act,
        command_id=made,
        **more,
    )
    known = {**REASONS, **REFUSALS, **scanning.SENTENCES}
    assert answer.reason in known, answer
    assert answer.what
    assert answer.happened or answer.next, answer
    if answer.verdict in ("refused", "unknown"):
        assert answer.happened, answer
        assert answer.next, answer
    return answer
