"""The ten ways in which talking to an ERP can fail. The engine acts on the class alone; the text is for people."""

from datetime import timedelta


class ErpError(Exception):
    """Base of the ten. `text` is a full sentence that a planner understands.

    An adapter sets `nothing_written` where it knows that the failed push has changed nothing in the ERP.
    """

    nothing_written = False

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Unreachable(ErpError):
    """Nothing was applied: refused, no name, no answer to a question that changes nothing."""


class Ambiguous(ErpError):
    """The request left us and no proper answer came: it may have been applied. Look before repeating."""


class Throttled(ErpError):
    """The ERP asks us to wait; this is no failed attempt."""

    def __init__(self, text: str, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class AuthExpired(ErpError):
    """The session ended and a new one did not hold; trying again later may help."""


class AuthDenied(ErpError):
    """Wrong credentials or a right that is missing: the connection stops until a person has seen to it."""


class Locked(ErpError):
    """The ERP's record is busy; a short wait should do."""


class Stale(ErpError):
    """The ERP's record keeps changing under our hands; pull it again, then decide."""


class NeedsDecision(ErpError):
    """The ERP would go on if a person said yes. `code` names the question; the answer is sent as accepted codes."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Rejected(ErpError):
    """A business rule of the ERP forbids it; repeating it unchanged never helps."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class UnknownReference(ErpError):
    """Something the message names is not known on the other side; pulling that kind of record may cure it."""

    def __init__(self, entity: str, key: str, text: str) -> None:
        super().__init__(text)
        self.entity = entity
        self.key = key


class UnitMismatch(ErpError):
    """A quantity cannot be converted into a unit the other side accepts."""


class ContractError(ErpError):
    """A model or field is not there, or the answer is of another kind: version skew or a bug. The connection stops."""
