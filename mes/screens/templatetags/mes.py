"""Tags and filters every template has without loading: icons, chips, bars, rings, numbers and times for people.

Nothing here asks the database. Pictures are SVG with attributes in per cent, so the pages need no inline style.
"""

import datetime as dt
import uuid
from decimal import Decimal
from itertools import pairwise

from django import template
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()

# The shape that belongs to each state of a chip; colour never stands alone.
SHAPES = {
    "late": "s-late",
    "pred": "s-late",
    "risk": "s-risk",
    "down": "s-down",
    "hold": "s-hold",
    "setup": "s-setup",
    "info": "s-info",
    "ask": "s-ask",
    "ok": "s-ok",
    "bad": "s-bad",
    "run": "s-run",
    "idle": "s-idle",
    "done": "s-ok",
    "queued": "s-up",
    "wait": "s-wait",
}
# Chips that are drawn like another one and differ only in their shape.
_DRAWN_AS = {"bad": "late", "wait": "idle"}
# Slack in hours at equal steps of the bar: an hour and three days can both be read.
_SLACK_STEPS = (-72.0, -24.0, -4.0, 0.0, 4.0, 24.0, 72.0)

Number = Decimal | int | float | str


@register.simple_tag
def icon(name: str) -> SafeString:
    """A pictogram of the sprite, drawn in the colour of the text; always beside a word."""
    return format_html(
        '<svg class="mes-i" aria-hidden="true"><use href="{}#{}"/></svg>', static("icons/sprite.svg"), name
    )


@register.simple_tag
def shape(state: str) -> SafeString:
    """The small filled sign of a state: triangle late, diamond hold, and so on."""
    return format_html(
        '<svg class="mes-shape" viewBox="0 0 16 16" aria-hidden="true"><use href="{}#{}"/></svg>',
        static("icons/sprite.svg"),
        SHAPES[state],
    )


@register.simple_tag
def chip(state: str, text: str, said: str = "") -> SafeString:
    """A state as shape, word and colour. `said` replaces the text for screen readers where it is an abbreviation."""
    words = (
        format_html('<span aria-hidden="true">{}</span><span class="mes-sr">{}</span>', text, said) if said else text
    )
    sign = shape(state) if state in SHAPES else ""
    return format_html('<span class="mes-chip" data-s="{}">{}{}</span>', _DRAWN_AS.get(state, state), sign, words)


@register.simple_tag
def progress(value: Number, standard: Number | None = None, bad: Number = 0, size: str = "") -> SafeString:
    """A bar in per cent with the standard's marker and, behind the good part, the bad one. Sizes: sm, lg."""
    done, marker, scrap = _percent(value), None if standard is None else _percent(standard), _percent(bad)
    label = (
        _("%(done)s %% done, the standard expects %(standard)s %%") % {"done": done, "standard": marker}
        if marker is not None
        else _("%(done)s %% done") % {"done": done}
    )
    return format_html(
        '<svg class="mes-prog{}" role="img" aria-label="{}"><rect class="trk" width="100%" rx="2"/>'
        '<rect class="bar" width="{}%" rx="2"/>{}{}</svg>',
        f" mes-prog--{size}" if size else "",
        label,
        done,
        format_html('<rect class="bad" x="{}%" width="{}%"/>', done, scrap) if scrap else "",
        format_html('<rect class="std" x="{}%"/>', marker) if marker is not None else "",
    )


def _percent(value: Number) -> str:
    number = min(max(Decimal(str(value or 0)), Decimal(0)), Decimal(100))
    return f"{number:.1f}".removesuffix(".0")


@register.simple_tag
def ring(done: Number, scrap: Number, total: Number, to_go: Number) -> SafeString:
    """The quantities of a job as a ring: made, scrapped, and in the middle what is still to do."""
    whole = max(Decimal(str(total or 0)), Decimal(str(done)) + Decimal(str(scrap)), Decimal("0.000001"))
    made, lost = Decimal(str(done)) * 100 / whole, Decimal(str(scrap)) * 100 / whole
    text = quantity(to_go)
    label = _("%(done)s of %(total)s made, %(scrap)s scrap, %(to_go)s to go") % {
        "done": quantity(done),
        "total": quantity(total),
        "scrap": quantity(scrap),
        "to_go": text,
    }
    size = 40 if len(text) <= 3 else 30 if len(text) <= 5 else 21
    arc = (
        '<circle class="{}" cx="60" cy="60" r="52" pathLength="100" stroke-dasharray="{} 100"'
        ' transform="rotate({} 60 60)"/>'
    )
    return format_html(
        '<svg class="mes-ring" viewBox="0 0 120 120" role="img" aria-label="{}"><circle class="trk" cx="60" cy="60"'
        ' r="52"/>{}{}<text x="60" y="70" font-size="{}" font-weight="700" letter-spacing="-1.5">{}</text>'
        '<text x="60" y="86" font-size="12" font-weight="500">{}</text></svg>',
        label,
        format_html(arc, "done", f"{made:.2f}", "-90") if made else "",
        format_html(arc, "scrap", f"{lost:.2f}", f"{made * Decimal('3.6') - 90:.2f}") if lost else "",
        size,
        text,
        _("to go"),
    )


def slack_position(hours: float) -> float:
    """Where a slack of so many hours lies on the bar, 0 to 100: the steps are equal, between them it is linear."""
    width = 100 / (len(_SLACK_STEPS) - 1)
    if hours <= _SLACK_STEPS[0]:
        return 0.0
    for index, (low, high) in enumerate(pairwise(_SLACK_STEPS)):
        if hours <= high:
            return (index + (hours - low) / (high - low)) * width
    return 100.0


@register.simple_tag
def slack(hours: Number, worst: Number | None = None, state: str = "") -> SafeString:
    """Slack against the promise: the bar to the likely end, the whisker to the worst likely one; left is late."""
    likely = float(hours)
    rest = likely if worst is None else float(worst)
    state = state or ("pred" if likely < 0 else "risk" if rest < 0 else "ok")
    x, w = slack_position(likely), slack_position(rest)
    label = (_("Predicted %(hours)s late") if likely < 0 else _("Predicted %(hours)s before the promise")) % {
        "hours": hours_text(abs(likely))
    }
    steps = len(_SLACK_STEPS) - 1
    ticks = format_html_join(
        "",
        '<line class="tk" x1="{}%" x2="{}%" y1="36%" y2="64%"/>',
        ((f"{i * 100 / steps:.2f}",) * 2 for i in range(steps + 1) if i * 2 != steps),
    )
    whisker = format_html(
        '<line class="p90" x1="{}%" x2="{}%" y1="50%" y2="50%"/>'
        '<line class="cap" x1="{}%" x2="{}%" y1="28%" y2="72%"/>',
        *(f"{place:.2f}" for place in (min(x, w), max(x, w), w, w)),
    )
    return format_html(
        '<svg class="mes-slack" data-s="{}" role="img" aria-label="{}"><line class="ax" x2="100%" y1="50%" y2="50%"/>{}'
        '<rect class="p50" x="{}%" y="22%" width="{}%" height="56%"/>{}'
        '<line class="zero" x1="50%" x2="50%" y2="100%"/></svg>',
        state,
        label,
        ticks,
        f"{min(x, 50):.2f}",
        f"{abs(x - 50):.2f}",
        whisker if worst is not None else "",
    )


@register.simple_tag
def command_id() -> SafeString:
    """The hidden field of a form that commands; a script renews it at the gesture, without one it serves as it is."""
    return format_html('<input type="hidden" name="command_id" value="{}">', uuid.uuid4())


@register.filter
def quantity(value: Number | None, unit: str = "") -> str:
    """A quantity without needless zeros, in the writing of the language, with its unit if one is given."""
    if value is None or value == "":
        return "–"
    number = Decimal(str(value)).normalize()
    places = max(0, -int(number.as_tuple().exponent))
    text = formats.number_format(number, decimal_pos=places, use_l10n=True, force_grouping=abs(number) >= 10000)
    text = text.replace("-", "−")
    return f"{text} {unit}" if unit else text


@register.filter
def signed(value: Decimal) -> str:
    """A difference with its sign."""
    return f"+{quantity(value)}" if value > 0 else quantity(value)


@register.filter
def plain_number(value: Number | None) -> str:
    """A quantity for a value attribute: a decimal point, no grouping, no needless zeros."""
    if value is None or value == "":
        return ""
    return f"{Decimal(str(value)).normalize():f}"


@register.filter
def share(part: Number | None, whole: Number | None) -> Decimal:
    """PART of WHOLE in per cent; nothing of nothing is nothing."""
    total = Decimal(str(whole or 0))
    return Decimal(str(part or 0)) * 100 / total if total > 0 else Decimal(0)


@register.filter
def piece_time(value: Number | None) -> str:
    """Minutes per piece: seconds below three minutes, else minutes."""
    if not value:
        return "–"
    each = float(value)
    if each < 3:
        return _("%(count)s s") % {"count": round(each * 60)}
    return _("%(count)s min") % {"count": quantity(Decimal(str(round(each, 1))))}


@register.filter
def clock(value: dt.datetime | None) -> str:
    """The hour of the day in the site's zone."""
    return timezone.localtime(value).strftime("%H:%M") if value else "–"


@register.filter
def moment(value: dt.datetime | None) -> SafeString | str:
    """A time as people say it: the hour today, the weekday within a week, else the date; the whole as a title."""
    if value is None:
        return "–"
    local, today = timezone.localtime(value), timezone.localdate()
    days = (local.date() - today).days
    hour = local.strftime("%H:%M")
    if days == 0:
        text = hour
    elif abs(days) < 7:
        text = f"{formats.date_format(local, 'D')} {hour}"
    elif local.year == today.year:
        text = f"{formats.date_format(local, 'j M')} {hour}"
    else:
        text = formats.date_format(local, "j M Y")
    full = formats.date_format(local, "D j M Y, H:i:s")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), full, text)


@register.filter
def hours_text(value: Number | None) -> str:
    """A span in hours as a short text: minutes below one hour, days from two days on."""
    if value is None:
        return "–"
    hours = float(value)
    if abs(hours) < 1:
        return _("%(count)s min") % {"count": round(hours * 60)}
    if abs(hours) < 48:
        return _("%(count)s h") % {"count": quantity(Decimal(str(round(hours, 1 if abs(hours) < 10 else 0))))}
    return _("%(count)s d") % {"count": quantity(Decimal(str(round(hours / 24, 1))))}


@register.filter
def minutes(value: Number | None) -> str:
    """Minutes as hours and minutes: 84 is 1:24."""
    if value is None:
        return "–"
    total = round(float(value))
    return f"{total // 60}:{total % 60:02d}"


@register.simple_tag
def elapsed(since: dt.datetime | None) -> SafeString | str:
    """The time since then as hours and minutes; a script lets it run on."""
    if since is None:
        return "–"
    total = max(0, int((timezone.now() - since).total_seconds() // 60))
    return format_html(
        '<elapsed-time since="{}">{}:{}</elapsed-time>', since.isoformat(), total // 60, f"{total % 60:02d}"
    )


@register.filter
def ago(value: dt.datetime | None) -> str:
    """How long ago, in the largest unit that says enough."""
    if value is None:
        return "–"
    seconds = max(0, int((timezone.now() - value).total_seconds()))
    if seconds < 60:
        return _("just now")
    if seconds < 3600:
        count = seconds // 60
        return ngettext("%(count)d minute ago", "%(count)d minutes ago", count) % {"count": count}
    if seconds < 86400:
        count = seconds // 3600
        return ngettext("%(count)d hour ago", "%(count)d hours ago", count) % {"count": count}
    count = seconds // 86400
    return ngettext("%(count)d day ago", "%(count)d days ago", count) % {"count": count}
