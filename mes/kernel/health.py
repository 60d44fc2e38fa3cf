"""Where apps say how they are: each registers a check, as answers to gates are registered. Asks them; knows none.

A check reads and never changes; it answers within a moment, for people in whole sentences and for machines in numbers.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

log = logging.getLogger(__name__)

WELL, WARN, BAD = "well", "warn", "bad"
_ORDER = {BAD: 0, WARN: 1, WELL: 2}
#: The groups of the page, in their order; an app's check names one of them.
DATABASE, WORK, ERP, MACHINES, SAFETY = "database", "work", "erp", "machines", "safety"
GROUPS: dict[str, StrOrPromise] = {
    WORK: gettext_lazy("Work in the background"),
    ERP: gettext_lazy("ERP"),
    MACHINES: gettext_lazy("Machines"),
    DATABASE: gettext_lazy("Database and disks"),
    SAFETY: gettext_lazy("Backups and proofs"),
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: how it is, in a sentence, and where it is not well, what to do.

    `about` tells several of one name apart (a connection, a device; never an order or a lot). `numbers` are for
    monitoring, each under its own name with its unit.
    """

    name: str
    group: str
    level: str
    title: StrOrPromise
    says: str
    remedy: str = ""
    about: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return self.level == WELL

    def as_text(self) -> str:
        return "ok" if self.is_well else self.says


Check = Callable[[], Iterable[Finding]]
_CHECKS: dict[str, tuple[Check, bool]] = {}


def register(name: str, check: Check, *, needed: bool = False) -> None:
    """CHECK is asked whenever somebody looks. What is NEEDED and bad makes the installation not ready for requests."""
    _CHECKS[name] = (check, needed)


def look(*, only_needed: bool = False) -> list[Finding]:
    """Ask every check; one that fails is a finding itself."""
    found: list[Finding] = []
    for name, (check, needed) in _CHECKS.items():
        if only_needed and not needed:
            continue
        try:
            found += check()
        except Exception as error:  # a check that breaks must not hide what the others found
            log.exception("The health check %s failed", name)
            found.append(broken(name, error))
    return found


def broken(name: str, error: Exception) -> Finding:
    return Finding(
        name,
        DATABASE,
        BAD,
        _("Check “{name}”").format(name=name),
        _("This could not be looked at ({error}).").format(error=type(error).__name__),
        _("See the log of the web server; when the database is away, everything else follows from that."),
    )


def needed(name: str) -> bool:
    return _CHECKS[name][1] if name in _CHECKS else True


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda one: _ORDER[one.level])


def worst(findings: Iterable[Finding]) -> str:
    return min((one.level for one in findings), key=_ORDER.__getitem__, default=WELL)


def by_age(age: float | None, warn: float, bad: float) -> str:
    """How something is that is done again and again; what was never done is worth a warning."""
    if age is None:
        return WARN
    return BAD if age > bad else WARN if age > warn else WELL


def span(seconds: float) -> str:
    """An age as people say it."""
    if seconds < 90:
        return _("{n} seconds").format(n=round(seconds))
    if seconds < 90 * 60:
        return _("{n} minutes").format(n=round(seconds / 60))
    if seconds < 48 * 3600:
        return _("{n} hours").format(n=round(seconds / 3600))
    return _("{n} days").format(n=round(seconds / 86400))
