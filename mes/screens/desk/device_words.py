"""What the pages of machines say: health, states, qualities and the steps of a connection test, in words."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_stubs_ext import StrOrPromise

from devices.drivers.base import Quality, Step
from devices.models import Tag
from devices.queries.health import DeviceRow, TagRow

#: Machine state → chip, word, class of its bar.
STATES: dict[str, tuple[str, StrOrPromise, str]] = {
    "RUN": ("run", gettext_lazy("running"), "run"),
    "SETUP": ("setup", gettext_lazy("set-up"), "setup"),
    "STOP": ("idle", gettext_lazy("stopped"), "stop"),
    "FAULT": ("down", gettext_lazy("fault"), "down"),
    "STARVED": ("wait", gettext_lazy("waits for material"), "warn"),
    "BLOCKED": ("wait", gettext_lazy("cannot hand on"), "warn"),
    "OFF": ("plain", gettext_lazy("switched off"), "idle"),
    "UNKNOWN": ("ask", gettext_lazy("not known"), "unknown"),
}
ROLES: dict[str, StrOrPromise] = {
    "STATE": gettext_lazy("State"),
    "GOOD": gettext_lazy("Good pieces"),
    "SCRAP": gettext_lazy("Rejects"),
    "VALUE": gettext_lazy("Value"),
}
TABLES: dict[str, StrOrPromise] = {
    "HOLDING": gettext_lazy("Holding register"),
    "INPUT": gettext_lazy("Input register"),
    "COIL": gettext_lazy("Coil"),
    "DISCRETE": gettext_lazy("Discrete input"),
}
_WHY: dict[str, StrOrPromise] = {
    "unreachable": gettext_lazy("nobody listens at its address"),
    "not_connected": gettext_lazy("the connection broke"),
    "no_answer": gettext_lazy("it does not answer in time"),
    "short_answer": gettext_lazy("it answers less than it was asked for"),
    "function_refused": gettext_lazy("it does not know this kind of register"),
    "address_refused": gettext_lazy("it has no such address"),
    "value_refused": gettext_lazy("it refuses the length of the request"),
    "device_failure": gettext_lazy("it reports a failure of its own"),
    "device_busy": gettext_lazy("it is busy"),
    "gateway_no_path": gettext_lazy("its gateway has no way to it"),
    "gateway_no_answer": gettext_lazy("it does not answer its gateway"),
    "not_a_number": gettext_lazy("what it sends is no number; try another byte order"),
}


def why(code: str) -> str:
    return str(_WHY.get(code, code))


def health(row: DeviceRow, now: datetime) -> tuple[str, str, str]:
    """Chip, word and sentence for how reading a device goes."""
    device = row.device
    if not device.is_active:
        return "plain", _("off"), _("It is switched off and not read.")
    if not row.active_tags:
        return "ask", _("no tags"), _("Nothing is read yet: add its first tag.")
    if not row.read_by or (row.lease_ends and row.lease_ends < now - timedelta(seconds=5)):
        return "late", _("nobody reads it"), _("No collector is running. Start one, or look why it stopped.")
    known = row.health
    if known is None or now - known.polled_at > timedelta(seconds=60 + device.interval_ms / 1000):
        return "wait", _("starting"), _("A collector has just taken it over.")
    stale = timedelta(seconds=device.stale_seconds)
    if known.answered_at is None or now - known.answered_at > stale:
        return "late", _("silent"), _("Nothing is heard: {why}.").format(why=why(known.why) or _("no reason is known"))
    bad = [each for each in row.active_tags if each.last is not None and each.last.quality != Quality.GOOD]
    if bad:
        text = ngettext("{count} tag is bad: {why}.", "{count} tags are bad, the first because {why}.", len(bad))
        return "risk", _("partly"), text.format(count=len(bad), why=why(bad[0].last.why if bad[0].last else ""))
    return "ok", _("answers"), ""


def lag(row: DeviceRow) -> str:
    """How late polls begin, and how many were skipped."""
    if row.health is None:
        return "–"
    text = _("{n} ms").format(n=row.health.lag_ms)
    if row.health.skipped:
        text += " · " + _("{n} skipped").format(n=row.health.skipped)
    return text


def value(row: TagRow) -> dict[str, Any]:
    """A tag's last value as it is shown: chip and word of a state, the number with its unit, or why there is none."""
    tag, last = row.tag, row.last
    if last is None:
        return {"text": "–", "state": "", "why": _("never read")}
    text = "–" if last.value is None else f"{last.value:g}" if tag.role != Tag.VALUE else f"{last.value:.4g}"
    if tag.role == Tag.STATE and last.value is not None:
        state = tag.state_codes.get(str(int(last.value)), "UNKNOWN")
        return {"text": text, "chip": (STATES[state][0], STATES[state][1]), "why": _bad(last.quality, last.why)}
    return {"text": f"{text} {tag.unit_text}".strip(), "chip": None, "why": _bad(last.quality, last.why)}


def _bad(quality: int, code: str) -> str:
    return "" if quality == Quality.GOOD else why(code)


def step(one: Step, tags: dict[int, Tag]) -> dict[str, Any]:
    """One step of a connection test: what was tried, how long it took, and what to do where it failed."""
    facts = one.facts
    if one.code == "name":
        text = _("The name {host} is known.") if one.good else _("The name {host} is not known in this network.")
        text = text.format(host=facts["host"])
    elif one.code == "connect":
        text = (
            _("{host} accepts a connection at port {port}.")
            if one.good
            else _(
                "{host} accepts no connection at port {port}. Is it on, is the cable in, does a firewall stand between?"
            )
        ).format(host=facts["host"], port=facts["port"])
    else:
        place = _("{table} {address}, {count} places, unit {unit}").format(
            table=str(TABLES.get(facts["table"], facts["table"])), address=facts["address"], count=facts["count"],
            unit=facts["unit"],
        )  # fmt: skip
        if one.good:
            read = ", ".join(f"{tags[pk].name} = {number:g}" for pk, number in facts["values"].items() if pk in tags)
            text = _("Read {place}: {values}.").format(place=place, values=read)
        else:
            text = _("Not read {place}: {why}.").format(place=place, why=why(facts["why"]))
    return {"good": one.good, "text": text, "milliseconds": round(one.milliseconds)}
