"""How log lines are written: with the request and command they belong to, without secrets, one record that nobody can
forge another in. Decides nothing about what is logged; `settings.py` names the format and the level.
"""

import json
import logging
import re
import sys
import unicodedata
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

#: The request that is being answered in this thread, as `middleware.RequestId` named it.
request_id: ContextVar[str] = ContextVar("mes_request_id", default="")

_HIDDEN = "[hidden]"
_SECRETS = (
    re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"\bmes_[\w-]{20,}"),
    re.compile(r"\bgAAAA[\w=-]{20,}"),
    re.compile(r"(?<=://)[^\s:/@]*:[^\s@]+(?=@)"),
    re.compile(
        r"""(["']?\b(?:\w*password|passphrase|passwd|pin|secret\w*|token|authorization|\w*_key|api[-_]?key|cookie|sessionid)"""
        r"""["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;&})]+)""",
        re.IGNORECASE,
    ),
)
#: What every record has by itself; anything else was given as `extra` and is worth its own field.
_USUAL = set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


def without_secrets(text: str) -> str:
    """The text with everything that looks like a secret taken out; too much rather than too little."""
    for pattern in _SECRETS[:-1]:
        text = pattern.sub(_HIDDEN, text)
    return _SECRETS[-1].sub(lambda found: f"{found[1]}{_HIDDEN}", text)


def on_one_line(text: str) -> str:
    """Control, format and line-separating characters as escapes: a terminal shows them, and obeys none."""
    return "".join(
        char
        if char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")
        else _escape(char)
        for char in text
    )


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def belonging() -> dict[str, Any]:
    """What the record belongs to: request, command and who acts."""
    found: dict[str, Any] = {}
    if request_id.get():
        found["request"] = request_id.get()
    kernel = sys.modules.get("mes.kernel.scope")  # logging is set up before the apps, and must not import them
    scope = kernel.running.get() if kernel is not None else None
    if scope is not None:
        found["command"] = str(scope.command_id)
        found["actor"] = scope.actor.source
    return found


class LineFormatter(logging.Formatter):
    """For people. A record's further lines begin with a bar, so that no text in it can pose as a record of its own."""

    def format(self, record: logging.LogRecord) -> str:
        text = on_one_line(without_secrets(super().format(record)))
        marks = " ".join(f"{name}={on_one_line(str(value))}" for name, value in belonging().items())
        first, *rest = text.split("\n")
        head = f"{first} [{marks}]" if marks else first
        return "\n".join([head, *(f"    | {line}" for line in rest)])


class JsonFormatter(logging.Formatter):
    """For machines: one object on one line, in ASCII, whatever the record holds."""

    def format(self, record: logging.LogRecord) -> str:
        body: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": without_secrets(record.getMessage()),
            **belonging(),
        }
        for name, value in record.__dict__.items():
            if name not in _USUAL and name not in body and isinstance(value, str | int | float | bool):
                hidden = without_secrets(f"{name}={value}") != f"{name}={value}"
                body[name] = _HIDDEN if hidden else value
        if record.exc_info:
            body["trace"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(body, ensure_ascii=True, default=str)


def take_over(*names: str) -> None:
    """Let the loggers of a server that brought its own handlers speak through ours."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
