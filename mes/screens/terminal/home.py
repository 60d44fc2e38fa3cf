"""The dispatch list of the station, and taking back the last act."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mes.execution.queries import dispatch
from mes.kernel.errors import Refused
from mes.kernel.quantities import ZERO
from mes.screens.terminal import acts, job_view
from mes.screens.terminal.access import Station, signed_in
from mes.screens.terminal.band import GOOD, Band, done, refused
from mes.screens.terminal.job import show
from workorders import states
from workorders.models import OperationRun, ProductionReport, WorkCenter
from workorders.queries.dispatch import DispatchRow
from workorders.shifts import shift_start

MOST_ROWS = 30


@dataclass(frozen=True)
class Home:
    """The list of one work center, parted into what runs, what is next and what still waits."""

    center: WorkCenter
    running: list[DispatchRow]
    following: list[DispatchRow]
    hours: float
    mine: set[int]
    good: Decimal
    scrap: Decimal

    @property
    def first(self) -> DispatchRow | None:
        """The job the primary button opens: mine, else what runs here, else the first that can be started."""
        own = [row for row in self.running if row.work.id in self.mine]
        ready = [row for row in self.following if row.can_start]
        return next(iter([*own, *self.running, *ready, *self.following]), None)


def _home(station: Station, center: WorkCenter) -> Home:
    now = timezone.now()
    rows = dispatch(center.site, [center.pk], now)[center.pk]
    open_runs = OperationRun.objects.filter(source=station.actor.source, ended_at__isnull=True)
    following = [row for row in rows if not row.is_running]
    since = shift_start(center.site, now)
    reports = ProductionReport.objects.filter(operation__work_center=center, occurred_at__gte=since)
    made = reports.aggregate(good=Sum("good"), scrap=Sum("scrap"))
    hours = sum(row.work.remaining for row in rows if row.work.state != states.WAITING) / 60
    return Home(
        center=center,
        running=[row for row in rows if row.is_running],
        following=following[:MOST_ROWS],
        hours=hours,
        mine=set(open_runs.values_list("operation_id", flat=True)),
        good=made["good"] or ZERO,
        scrap=made["scrap"] or ZERO,
    )


@signed_in("view_floor")
@require_GET
def home(request: HttpRequest, station: Station) -> HttpResponse:
    """What runs here and what comes next, with why a row stands where it stands and what keeps it from starting."""
    center = station.work_center
    wanted = request.GET.get("wc", "")
    if wanted:
        others = WorkCenter.objects.filter(site=center.site, code=wanted).select_related("site", "area", "calendar")
        center = others.first() or center
    page: dict[str, Any] = {"home": _home(station, center), "elsewhere": center.pk != station.work_center.pk}
    return show(request, station, "home", "terminal/home.html", page, live="lists")


@signed_in("undo_command")
@require_POST
def undo(request: HttpRequest, station: Station) -> HttpResponse:
    """Take back the act that the form names, and go to the job it was done on."""
    back = request.POST.get("back", "")
    back = back if back.startswith("/t/") and "//" not in back and "\\" not in back else "/t/home/"
    what = request.POST.get("text", "")[:120]
    try:
        acts.undo_act(station.actor, acts.gesture_of(request))
    except Refused as refusal:
        return refused(request, refusal, what, back)
    job = request.POST.get("job", "")
    operation = job_view.operation_of(station.actor, int(job)) if job.isdigit() else None
    go = f"/t/job/{operation.pk}/" if operation else back
    return done(request, Band(GOOD, what, _("Taken back")), go)
