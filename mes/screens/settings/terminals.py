"""The browsers on the floor: which are enrolled, where they stand, when they were last seen; and their revocation."""

from datetime import timedelta

from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from mes.accounts.actions.terminals import revoke_terminal
from mes.accounts.models import Terminal
from mes.accounts.policies import actor_of, allows
from mes.kernel.errors import Refused
from mes.screens.desk.acts import who_may
from mes.screens.desk.pages import done, is_sane_id, refusal_context, site_of, without
from mes.screens.settings.frame import Cell, page, role_may, whole
from mes.screens.templatetags.mes import ago
from workorders.models import WorkCenter

PATH = "/settings/terminals/"
PAGE = 100
RIGHT = "revoke_terminal"
#: Seen within this time, somebody works there; terminals note it about twice a minute.
NEAR = timedelta(minutes=2)


@allows("view_settings")
@require_http_methods(["GET", "HEAD", "POST"])
def terminals_page(request: HttpRequest) -> HttpResponse:
    """Every terminal of the plant, those in use first. A POST revokes one."""
    refusal: Refused | None = None
    if request.method == "POST":
        try:
            revoke_terminal(
                actor=actor_of(request),
                terminal_id=whole(request.POST.get("id")) or 0,
                command_id=is_sane_id(request.POST.get("command_id")),
            )
        except Refused as refused:
            refusal = refused
        else:
            return done(request, _("The terminal is revoked; its browser must be paired again."), PATH)
    site, start = site_of(request), whole(request.GET.get("from")) or 0
    rows = Terminal.objects.filter(site_id=site.pk)
    found = list(rows.order_by(F("revoked_at").desc(nulls_first=True), "name", "pk")[start : start + PAGE + 1])
    centers = dict(WorkCenter.objects.filter(site=site).values_list("pk", "code")) if found else {}
    shown = len(found[:PAGE])
    context = {
        "rows": [(row, _cells(row, centers)) for row in found[:PAGE]],
        "shown": ngettext("{count} terminal on this page.", "{count} terminals on this page.", shown).format(
            count=shown
        ),
        "next_url": without(request, **{"from": start + PAGE}) if len(found) > PAGE else "",
        "first_url": without(request, "from") if start else "",
        "may_enrol": role_may(request, "enrol_terminal"),
        "may_revoke": role_may(request, RIGHT),
        "who_may": "" if role_may(request, RIGHT) else who_may(RIGHT),
        "address": f"{request.scheme}://{request.get_host()}/t/setup/",
        "refusal": refusal_context(refusal) if refusal else None,
    }
    return page(request, "desk/settings/terminals.html", context, refusal.status if refusal else 200)


def _cells(row: Terminal, centers: dict[int, str]) -> list[Cell]:
    now = timezone.now()
    if row.revoked_at:
        state = Cell(_("revoked"), "chip", "idle")
    elif row.token is None:
        waits = row.pairing_until is not None and row.pairing_until > now
        state = Cell(_("waits for its browser"), "chip", "queued") if waits else Cell(_("code expired"), "chip", "idle")
    elif row.last_seen_at and now - row.last_seen_at < NEAR:
        state = Cell(_("in use"), "chip", "run")
    else:
        state = Cell(_("away"), "chip", "wait")
    return [
        Cell(row.name),
        Cell(centers.get(row.work_center_id, "–"), "id"),
        state,
        Cell(ago(row.last_seen_at)),
        Cell(ago(row.enrolled_at)),
    ]
