"""A look at an ERP in named steps, each with what it found and what to do about it. Changes nothing; talks outside any
transaction.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from erp_sync.adapters.base import ErpAdapter
from erp_sync.adapters.errors import AuthDenied, AuthExpired, ContractError, ErpError, Unreachable
from erp_sync.adapters.registry import UnknownAdapter, adapter_class
from erp_sync.messages import Cursor, Entity, Probe, Severity

OK, WARNING, BAD, LEFT_OUT = "ok", "risk", "bad", "idle"


@dataclass(frozen=True)
class Step:
    """One thing that was looked at: how it is, in a sentence, and what to do where it is not good."""

    title: str
    state: str
    text: str
    remedy: str = ""
    milliseconds: int | None = None


def look(adapter: str, settings: Mapping[str, Any]) -> list[Step]:
    """Settings, answer, rights, clock, a first record. What cannot be looked at any more is named as left out."""
    titles = [_("Settings"), _("Answer"), _("Rights and fields"), _("Clock"), _("First record")]
    steps: list[Step] = []
    try:
        speaker = adapter_class(adapter)(settings)
    except (UnknownAdapter, ValueError) as error:
        steps.append(Step(titles[0], BAD, str(error), _("Correct the setting that is named.")))
    else:
        steps.append(Step(titles[0], OK, _("All settings are there.")))
        with speaker:
            steps += _answers(speaker, titles)
    left = titles[len(steps) :]
    return steps + [Step(title, LEFT_OUT, _("Not looked at, because of what stands above.")) for title in left]


def usable(steps: list[Step]) -> bool:
    return not any(step.state in (BAD, LEFT_OUT) for step in steps)


def _answers(speaker: ErpAdapter, titles: list[str]) -> list[Step]:
    began = time.monotonic()
    try:
        probe = speaker.probe()
    except ErpError as failure:
        return [Step(titles[1], BAD, failure.text, remedy_of(failure), _since(began))]
    text = _("{product} {version}, {account}.").format(
        product=probe.product, version=probe.version, account=probe.account
    )
    steps = [Step(titles[1], OK, text, milliseconds=_since(began)), _issues(probe, titles[2]), _clock(probe, titles[3])]
    return [*steps, _first(speaker, titles[4])] if probe.usable else steps


def _issues(probe: Probe, title: str) -> Step:
    """All that the probe found but the clock, the worst first."""
    wrong = [issue.text for issue in probe.issues if issue.severity is Severity.ERROR]
    odd = [issue.text for issue in probe.issues if issue.severity is Severity.WARNING and issue.code != "clock"]
    if wrong:
        return Step(title, BAD, " ".join(wrong + odd), _("Let whoever keeps the ERP put this right there."))
    if odd:
        return Step(title, WARNING, " ".join(odd), _("It works; see to it when there is time."))
    return Step(title, OK, _("Nothing is missing."))


def _clock(probe: Probe, title: str) -> Step:
    late = next((issue.text for issue in probe.issues if issue.code == "clock"), "")
    if late:
        return Step(title, WARNING, late, _("Let both servers take their time from one source."))
    if probe.clock_offset is None:
        return Step(title, OK, _("This ERP tells no time."))
    seconds = abs(probe.clock_offset) / timedelta(seconds=1)
    return Step(title, OK, _("Both clocks agree within {seconds} s.").format(seconds=f"{seconds:.1f}"))


def _first(speaker: ErpAdapter, title: str) -> Step:
    wanted = Entity.ORDER if Entity.ORDER in speaker.capabilities.pull else None
    if wanted is None:
        return Step(title, OK, _("This ERP only listens; nothing is fetched from it."))
    began = time.monotonic()
    try:
        page = speaker.pull(wanted, Cursor(), 1)
    except ErpError as failure:
        return Step(title, BAD, failure.text, remedy_of(failure), _since(began))
    count = len(page.records)
    text = ngettext("{count} order was read.", "{count} orders were read.", count).format(count=count)
    return Step(title, OK, text if count else _("No order waits there yet."), milliseconds=_since(began))


def remedy_of(failure: ErpError) -> str:
    """What a person does about a failure of this class."""
    if isinstance(failure, Unreachable):
        return _("Check address, network and whether the ERP runs, then test again.")
    if isinstance(failure, AuthDenied | AuthExpired):
        return _("Check the user, its secret and its rights in the ERP.")
    if isinstance(failure, ContractError):
        return _("Check that the settings name the right ERP, and its version.")
    return _("Test again; if it stays so, look at the ERP.")


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
