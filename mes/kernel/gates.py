"""Gates: a lower app asks "may this happen?", higher apps answer with blockers. A gate only reads and never locks."""

from collections.abc import Callable, Iterable
from typing import Any

from mes.kernel.errors import Blocker, Refused

Answer = Callable[..., Iterable[Blocker]]


class Gate:
    """One question with its registered answers. Answers are set-based: one query each, read-only."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.answers: list[Answer] = []

    def register(self, answer: Answer) -> Answer:
        if answer not in self.answers:
            self.answers.append(answer)
        return answer

    def blockers(self, **question: Any) -> list[Blocker]:
        return [blocker for answer in self.answers for blocker in answer(**question)]

    def pass_or_refuse(self, reason: str, facts: dict[str, Any], **question: Any) -> None:
        """Raises the refusal REASON (FACTS fill its sentences) with every blocker, or returns when nothing stands in
        the way.
        """
        found = self.blockers(**question)
        if found:
            raise Refused(reason, blockers=found, first=found[0].message, **facts)
