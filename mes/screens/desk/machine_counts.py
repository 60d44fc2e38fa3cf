"""Counts of machines that no job could take: each is assigned to a job or dismissed with a reason."""

from collections import defaultdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from devices.actions.counts import assign_count, dismiss_count
from devices.queries.counts import assignable, unassigned
from mes.accounts.policies import actor_of, allows, may
from mes.kernel.canonical import decimal_text
from mes.kernel.errors import Refused
from mes.screens.desk.links import work_center_url
from mes.screens.desk.pages import done, is_sane_id, live_part, part_of, refusal_context, site_of
from workorders.models import Site

URL = "/floor/counts/"
SHOWN = 100


@allows("view_devices")
@require_http_methods(["GET", "HEAD", "POST"])
def counts_page(request: HttpRequest) -> HttpResponse:
    """The list; a POST settles one count."""
    site, refused = site_of(request), None
    if request.method == "POST":
        try:
            return done(request, _carry_out(request), URL)
        except Refused as refusal:
            refused = refusal
    context = {
        "site": site,
        **_content(site, request.POST.get("count", "") if refused else ""),
        "may_settle": may(str(getattr(request.user, "role", "")), "assign_count"),
        "topics": f"devices:{site.pk}",
        "refusal": refusal_context(refused) if refused else None,
    }
    if part_of(request, "list"):
        return live_part(request, "desk/machine_counts.html#list", context)
    return render(request, "desk/machine_counts.html", context, status=refused.status if refused else 200)


def _carry_out(request: HttpRequest) -> str:
    typed = request.POST
    count, actor, command_id = typed.get("count", ""), actor_of(request), is_sane_id(typed.get("command_id"))
    if not (count.isascii() and count.isdigit() and len(count) < 19):
        raise Refused("not_found", what=_("Machine count"), number=count[:20])
    if typed.get("act") == "assign":
        chosen = typed.get("operation", "")
        if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 19):
            raise Refused("invalid", field=_("Job"), why=_("choose the job that the pieces belong to"))
        assign_count(actor=actor, count_id=int(count), operation_id=int(chosen), command_id=command_id)
        return _("The pieces are booked on the job.")
    if typed.get("act") != "dismiss":
        raise Refused("invalid", field="act", why=_("choose one of the buttons"))
    dismiss_count(actor=actor, count_id=int(count), reason=typed.get("reason", ""), command_id=command_id)
    return _("The count is dismissed; it stays in the machine's history.")


def _content(site: Site, open_count: str) -> dict[str, Any]:
    counts = list(unassigned(site.pk)[: SHOWN + 1])
    jobs: dict[int, list[Any]] = defaultdict(list)
    jobs.update(assignable({count.work_unit.work_center_id for count in counts}))
    rows = []
    for count in counts[:SHOWN]:
        center = count.work_unit.work_center
        rows.append(
            {
                "id": count.pk,
                "center": center.code,
                "center_url": work_center_url(center.code, center.pk),
                "device": count.tag.device.name,
                "tag": count.tag.name,
                "quantity": decimal_text(count.quantity),
                "is_scrap": count.is_scrap,
                "start": count.started_at,
                "end": count.ended_at,
                "in_gap": count.in_gap,
                "why": count.refused_text,
                "jobs": [(job.pk, f"{job} {job.name}") for job in jobs[center.pk]],
                "open": str(count.pk) == open_count,
            }
        )
    total = len(counts)
    lede = (
        _("Every piece that a machine counted has found its job.")
        if not rows
        else ngettext("{count} count waits for its job.", "{count} counts wait for their jobs.", total).format(
            count=total if total <= SHOWN else f"{SHOWN}+"
        )
    )
    return {"rows": rows, "lede": lede}
