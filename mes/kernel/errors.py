"""Refusals as answers: one exception, one registry of its reasons. Knows no domain noun; apps add theirs in
`refusals.py`.

A refusal says what is wrong, what to do now and who may override. `docs/refusals.md` is printed from this registry.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise

#: Contract codes and their HTTP status.
STATUS = {
    "unparseable": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "busy": 409,
    "stale": 409,
    "blocked": 422,
    "not_allowed": 422,
    "invalid": 422,
    "idempotency_key_reused": 422,
    "slow_down": 429,
    "internal": 500,
    "not_ready": 503,
}


@dataclass(frozen=True)
class Reason:
    """One registered refusal: its contract code and its sentences (with named placeholders)."""

    reason: str
    code: str
    message: Text
    remedy: Text
    who_can_override: Text = ""


@dataclass(frozen=True)
class Blocker:
    """One fact that stands in the way, named so that a person can act on it."""

    reason: str
    message: str

    def as_json(self) -> dict[str, str]:
        return {"reason": self.reason, "message": self.message}


REASONS: dict[str, Reason] = {}


def declare(reason: str, code: str, message: Text, remedy: Text, who_can_override: Text = "") -> None:
    """Add a reason to the registry. Called once per reason, at import of an app's `refusals.py`."""
    if reason in REASONS:
        raise ValueError(f"The refusal {reason!r} is declared twice.")
    if code not in STATUS:
        raise ValueError(f"{code!r} is not a code of the contract.")
    REASONS[reason] = Reason(reason, code, message, remedy, who_can_override)


class Refused(Exception):
    """The answer "no": carries a registered reason and the facts for its sentences."""

    def __init__(self, reason: str, blockers: Iterable[Blocker] = (), **facts: Any) -> None:
        self.entry = REASONS[reason]
        self.facts = facts
        self.blockers = tuple(blockers)
        super().__init__(reason)

    @property
    def reason(self) -> str:
        return self.entry.reason

    @property
    def code(self) -> str:
        return self.entry.code

    @property
    def status(self) -> int:
        return STATUS[self.entry.code]

    @property
    def message(self) -> str:
        return str(self.entry.message).format(**self.facts)

    @property
    def remedy(self) -> str:
        return str(self.entry.remedy).format(**self.facts)

    def as_json(self) -> dict[str, Any]:
        """The error body of the contract."""
        return {
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
            "remedy": self.remedy,
            "who_can_override": str(self.entry.who_can_override),
            "blockers": [blocker.as_json() for blocker in self.blockers],
        }

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class Busy(Refused):
    """Somebody else holds the row; the same command id may be sent again."""

    def __init__(self) -> None:
        super().__init__("busy")


class StartOver(Exception):
    """A set read without lock had changed when it was locked; the command begins again in a new transaction."""


declare(
    "busy",
    "busy",
    _("Somebody else is changing this right now."),
    _("Wait a second and send the same again; nothing is booked twice."),
)
declare(
    "idempotency_key_reused",
    "idempotency_key_reused",
    _("This command id was already used for something else."),
    _("Make a new command id for a new act; repeat the old one only unchanged."),
)
declare("not_found", "not_found", _("{what} {number} is not known here."), _("Check the number, or ask planning."))
declare(
    "forbidden",
    "forbidden",
    _("The role {role} may not do this: {action}."),
    _("Ask somebody who may, or sign in with the right badge."),
    _("A role that the matrix of rights allows"),
)
declare(
    "unauthenticated",
    "unauthenticated",
    _("It is not known who is asking."),
    _("Send a valid token, or sign in."),
)
declare(
    "unparseable", "unparseable", _("The request cannot be read: {why}."), _("Correct the request and send it again.")
)
declare("invalid", "invalid", _("{field}: {why}."), _("Correct the value and send it again."))
declare(
    "state_forbids",
    "not_allowed",
    _("{what} is {state}; it cannot be changed by “{command}” now."),
    _("Possible now: {allowed}."),
)
declare(
    "too_old",
    "not_allowed",
    _("This was recorded more than {hours} hours ago."),
    _("A person with the right to back-enter must approve it; then send it again unchanged."),
    _("Lead or supervisor, by approving the command"),
)
declare(
    "in_future",
    "not_allowed",
    _("The time of this act lies {minutes} minutes ahead of the plant's clock."),
    _("Set the terminal's clock and send it again."),
)
declare(
    "contradicts_time",
    "not_allowed",
    _("The time given contradicts what is recorded: {fact}."),
    _("A person with the right to back-enter must approve it; then send it again unchanged."),
    _("Lead or supervisor, by approving the command"),
)
declare("slow_down", "slow_down", _("Too many requests in a short time."), _("Wait and send the same again later."))
declare("not_ready", "not_ready", _("The system is not ready."), _("Send the same again later; nothing is lost."))
declare("stale", "stale", _("The record changed since it was read."), _("Read it again, then decide again."))
