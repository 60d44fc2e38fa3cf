"""The fields of a connection's form, by adapter: what each is called and what is typed into it. Knows no request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from erp_sync.adapters.registry import UnknownAdapter, adapter_class, adapter_names

LONGEST = 500


@dataclass(frozen=True)
class Setting:
    """One setting of an adapter. A secret is only ever written."""

    name: str
    label: StrOrPromise
    hint: StrOrPromise = ""
    needed: bool = True
    secret: bool = False
    choices: tuple[tuple[str, StrOrPromise], ...] = ()


_YES_NO = (("no", gettext_lazy("no")), ("yes", gettext_lazy("yes")))
SETTINGS: dict[str, tuple[Setting, ...]] = {
    "file": (
        Setting("path", gettext_lazy("Folder"), gettext_lazy("Its full path as this server sees it: /srv/erp")),
        Setting(
            "settle_seconds",
            gettext_lazy("Seconds of rest"),
            gettext_lazy("How long a file without .done must lie unchanged; 3 where left empty."),
            needed=False,
        ),
        Setting(
            "same_name",
            gettext_lazy("A name may come again with another content"),
            gettext_lazy("With “no” such a file is rejected, so that nothing is taken twice by mistake."),
            needed=False,
            choices=_YES_NO,
        ),
    ),
    "tryton": (
        Setting("url", gettext_lazy("Address"), gettext_lazy("Where its server answers: https://erp.example.com")),
        Setting("database", gettext_lazy("Database"), gettext_lazy("Its name on that server.")),
        Setting("user", gettext_lazy("User"), gettext_lazy("A user of its own, with the rights that the test names.")),
        Setting("password", gettext_lazy("Password"), secret=True),
        Setting(
            "read_timeout",
            gettext_lazy("Seconds to wait for an answer"),
            gettext_lazy("What the adapter is used to, where left empty."),
            needed=False,
        ),
    ),
    "recording": (
        Setting("path", gettext_lazy("File"), gettext_lazy("The ledger's full path; one line for each completion.")),
    ),
}
#: What a tile on the page of a new connection says of an adapter.
ABOUT: dict[str, tuple[str, StrOrPromise]] = {
    "file": ("inbox", gettext_lazy("The ERP lays CSV tables or B2MML into a folder and finds completions there.")),
    "tryton": (
        "database",
        gettext_lazy("Orders and master data come from a Tryton server, completions are booked there."),
    ),
    "recording": ("pen-line", gettext_lazy("No ERP: every completion is only written down, for dry operation.")),
}


def settings_of(adapter: str) -> tuple[Setting, ...]:
    """The fields of an adapter; of one that is not ours, its secrets alone. The rest is set by `connect_erp`."""
    if adapter in SETTINGS:
        return SETTINGS[adapter]
    secrets = sorted(adapter_class(adapter).secret_settings)
    return tuple(Setting(name, name, secret=True) for name in secrets)


def kinds() -> list[dict[str, Any]]:
    """The adapters that a form can be filled in for."""
    found = []
    for slug in adapter_names():
        if slug not in SETTINGS:
            continue
        icon, about = ABOUT[slug]
        found.append({"slug": slug, "label": adapter_class(slug).label, "icon": icon, "about": about})
    return found


def known_kind(slug: str) -> str:
    """SLUG if a form can be filled in for it, else the first that can."""
    try:
        adapter_class(slug)
    except UnknownAdapter:
        return next(iter(SETTINGS))
    return slug


@dataclass(frozen=True)
class Typed:
    """What came with a form: open settings, secrets that were typed, and the words beside them."""

    name: str
    prefix: str
    auto_release: bool
    settings: dict[str, Any]
    secrets: dict[str, str]

    @classmethod
    def of(cls, adapter: str, posted: Mapping[str, str], kept: Mapping[str, Any] | None = None) -> "Typed":
        """KEPT are the settings so far: those the form does not know stay as they are."""
        known = settings_of(adapter)
        values = {one.name: posted.get(f"s-{one.name}", "")[:LONGEST] for one in known}
        open_ones = {one.name: values[one.name].strip() for one in known if not one.secret}
        settings = {name: value for name, value in (kept or {}).items() if name not in open_ones}
        settings |= {name: value for name, value in open_ones.items() if value}
        return cls(
            name=posted.get("name", "").strip()[:LONGEST],
            prefix=posted.get("prefix", "").strip()[:LONGEST],
            auto_release=posted.get("auto_release") == "1",
            settings=settings,
            secrets={one.name: values[one.name] for one in known if one.secret and values[one.name]},
        )


def rows_of(adapter: str, settings: Mapping[str, Any], *, sealed: bool) -> list[dict[str, Any]]:
    """The settings as fields of a template. A secret's value is never among them."""
    return [
        {
            "name": one.name,
            "id": f"s-{one.name}",
            "label": one.label,
            "hint": _("It is set. Leave this empty to keep it.") if one.secret and sealed else one.hint,
            "needed": one.needed and not (one.secret and sealed),
            "secret": one.secret,
            "choices": one.choices,
            "value": "" if one.secret else str(settings.get(one.name, "")),
        }
        for one in settings_of(adapter)
    ]
