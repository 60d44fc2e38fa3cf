"""What a scan is answered with: a verdict, three lines people read, choices, and what it was. Decides nothing."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from mes.kernel.errors import Refused

GOOD, QUESTION, REFUSED, UNKNOWN = "good", "question", "refused", "unknown"

#: The reasons only scans have. Other refusals carry the reason of the registry or of the scan grammar.
REASONS: dict[str, StrOrPromise] = {
    "identified": _("Somebody's badge."),
    "recognised": _("A thing of this plant; nothing follows from it here by itself."),
    "on_screen": _("What is on the screen already."),
    "job": _("An operation that can be opened."),
    "other_job": _("Another job than the one on the screen."),
    "choose_operation": _("An order with several operations to choose from."),
    "ambiguous": _("A text that means several things."),
    "lot_due": _("A lot that the operation needs; it can be used."),
    "item_due": _("Material without lots that the operation needs; it can be used."),
    "consumed": _("What was still required was used."),
    "consumed_part": _("All of the lot was used; more is still required."),
    "nothing_more_needed": _("The operation has all it needs of this item."),
    "source_location": _("A location that material is drawn from."),
    "gauge": _("A gauge in calibration."),
    "reason_code": _("A reason of the plant's list."),
    "quantity": _("A number."),
    "command_ready": _("A command that can be run."),
    "command_done": _("A command that was run."),
    "command_page": _("A command for the screen."),
    "not_here": _("Something that says nothing on this page."),
    "no_question": _("Yes or no, and no question is open."),
    "command_without_job": _("A command for a job, and no job is open."),
    "gs1_separators": _("A supplier's label whose separators the scanner swallows."),
    "label_expired": _("A supplier's label that says itself that it has expired."),
    "unknown": _("A text that means nothing here."),
    "unknown_command": _("A command that is not offered here."),
}


@dataclass(frozen=True)
class Choice:
    """One thing a scan may have meant. Sending CODE instead settles it."""

    kind: str
    id: int
    number: str
    text: str
    code: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "id": self.id, "number": self.number, "text": self.text, "code": self.code}


@dataclass(frozen=True)
class ScanAnswer:
    """The answer to one scan.

    `what` was read, `happened` says what came of it, `next` what to do now. `subject` is the one thing it was, `action`
    the act that was done or is offered, `undo` the command id that takes it back.
    """

    verdict: str
    reason: str
    what: str
    happened: str = ""
    next: str = ""
    choices: tuple[Choice, ...] = ()
    subject: Choice | None = None
    action: str = ""
    undo: UUID | None = None
    replayed: bool = field(default=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "what": self.what,
            "happened": self.happened,
            "next": self.next,
            "choices": [choice.as_json() for choice in self.choices],
            "subject": self.subject.as_json() if self.subject else None,
            "action": self.action,
            "undo": str(self.undo) if self.undo else None,
        }


def from_json(body: dict[str, Any]) -> ScanAnswer:
    """The answer a repeated command id gets: the stored one, marked."""
    subject = body["subject"]
    return ScanAnswer(
        **{name: body[name] for name in ("verdict", "reason", "what", "happened", "next", "action")},
        choices=tuple(Choice(**choice) for choice in body["choices"]),
        subject=Choice(**subject) if subject else None,
        undo=UUID(body["undo"]) if body["undo"] else None,
        replayed=True,
    )


#: Refusals that a decision of the person at the terminal answers.
_ASKING = {"remainder_undecided", "location_ambiguous", "lot_ambiguous", "reason_needed"}


def refused_by(refusal: Refused, what: str, subject: Choice | None = None, action: str = "") -> ScanAnswer:
    """A refusal of an act as an answer; one that only asks for a decision is a question with its choices."""
    asking = refusal.reason in _ASKING
    happened = " ".join([refusal.message, *(block.message for block in refusal.blockers if not asking)])
    return ScanAnswer(
        verdict=QUESTION if asking else REFUSED,
        reason=refusal.reason,
        what=what,
        happened=happened,
        next=refusal.remedy,
        choices=tuple(Choice("choice", 0, "", block.message) for block in refusal.blockers if asking),
        subject=subject,
        action=action,
    )
