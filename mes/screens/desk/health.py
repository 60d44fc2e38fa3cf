"""The health page: how the installation is, in sentences, the worst first, and what to do. It changes nothing."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from mes.accounts.policies import allows
from mes.kernel import health
from mes.kernel.backup.taking import product_version
from mes.kernel.health import BAD, WARN, WELL, Finding
from mes.screens.desk.pages import site_of

NETWORK = "network"


@allows("view_health")
@require_safe
def health_page(request: HttpRequest) -> HttpResponse:
    """Everything that was looked at now; what is not well stands on top with what to do."""
    found = [*health.look(), transport(request)]
    wrong = health.worst_first(one for one in found if not one.is_well)
    context = {
        "site": site_of(request),
        "lede": _lede(found),
        "looked_at": timezone.localtime(),
        "version": product_version(),
        "wrong": [_row(one) for one in wrong],
        "groups": _groups(found),
    }
    response = render(request, "desk/health.html", context)
    response["Cache-Control"] = "no-store"
    return response


def transport(request: HttpRequest) -> Finding:
    """What this very connection can carry: browsers keep much from pages that came over plain HTTP."""
    title = _("This connection")
    name = request.get_host().rpartition(":")[0] or request.get_host()
    if request.is_secure():
        return Finding("transport", NETWORK, WELL, title, _("HTTPS: terminals may use everything."))
    if name.strip("[]") in ("127.0.0.1", "localhost", "::1"):
        says = _("HTTP on this machine: browsers trust it as they trust HTTPS.")
        return Finding("transport", NETWORK, WELL, title, says)
    says = _(
        "Plain HTTP: terminals cannot keep working without a connection, cannot scan with the camera, and their "
        "screens go dark; whoever listens on the network reads PINs."
    )
    remedy = _("Start with --tls, or put the proxy in front (docs/production.md), and trust its root on each terminal.")
    return Finding("transport", NETWORK, WARN, title, says, remedy)


def _lede(found: list[Finding]) -> str:
    bad = sum(one.level == BAD for one in found)
    warn = sum(one.level == WARN for one in found)
    if bad:
        text = ngettext("{n} thing is bad and needs you now.", "{n} things are bad and need you now.", bad)
        return text.format(n=bad)
    if warn:
        return ngettext("{n} thing is worth a look.", "{n} things are worth a look.", warn).format(n=warn)
    return ngettext("{n} thing looked at, and it is well.", "{n} things looked at, all well.", len(found)).format(
        n=len(found)
    )


def _groups(found: list[Finding]) -> list[dict[str, Any]]:
    names = {**health.GROUPS, NETWORK: _("Network")}
    groups = []
    for group, label in names.items():
        rows = [_row(one) for one in found if one.group == group]
        if rows:
            groups.append({"id": group, "label": label, "rows": rows, "worst": _chip(_worst(found, group))})
    return groups


def _worst(found: list[Finding], group: str) -> str:
    return health.worst(one for one in found if one.group == group)


def _chip(level: str) -> tuple[str, str]:
    return {WELL: ("ok", _("well")), WARN: ("risk", _("look")), BAD: ("late", _("bad"))}[level]


def _row(one: Finding) -> dict[str, Any]:
    state, word = _chip(one.level)
    return {"title": one.title, "says": one.says, "remedy": one.remedy, "state": state, "word": word, "name": one.name}
