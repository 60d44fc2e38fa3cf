"""The ERP pages: connections with their health in words, and the messages to them with every attempt and what to do."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from erp_sync.actions.connections import pause_connection, resume_connection
from erp_sync.actions.postings import post_again, retry_message, skip_message
from erp_sync.actions.storing import make_due
from erp_sync.models import ErpConnection, OutboundMessage
from erp_sync.queries import monitor
from mes.accounts.policies import actor_of, allows, may
from mes.kernel.errors import Refused
from mes.kernel.nudge import nudge_after_commit
from mes.screens.desk import erp_words
from mes.screens.desk.pages import attempt, done, is_sane_id, live_part, part_of, refusal_context, site_of, without

PAGE = 40
CONNECTIONS, MESSAGES = "/integrations/", "/integrations/messages/"


@allows("view_connections")
@require_safe
def connections_page(request: HttpRequest) -> HttpResponse:
    """A card per connection, the latest runs, and the records that lack something."""
    context = _connections(request)
    if part_of(request, "cards"):
        return live_part(request, "desk/connections.html#cards", context)
    return render(request, "desk/connections.html", context)


def _connections(request: HttpRequest, **more: Any) -> dict[str, Any]:
    site, now = site_of(request), timezone.now()
    found = monitor.health_of(site.pk, now)
    cards = [erp_words.card(health, now) for health in found]
    need = sum(1 for one in cards if one["state"] not in ("ok", "idle", "wait"))
    return {
        "site": site,
        "cards": cards,
        "lede": _lede(len(cards), need),
        "runs": [erp_words.run_row(run) for run in monitor.recent_runs(site.pk)[:12]],
        "incomplete": [
            erp_words.record_row(record) | {"connection": record.connection.name}
            for record in monitor.incomplete_records(site.pk)[:20]
        ],
        "parked": sum(health.parked for health in found),
        "may_manage": may(_role(request), "pause_connection"),
        "may_connect": may(_role(request), "connect_erp"),
        "topics": " ".join(f"erp:{health.connection.pk}" for health in found),
        "src": without(request, part="cards"),
        **more,
    }


def _lede(count: int, need: int) -> str:
    if not count:
        return _("No ERP is connected.")
    if need:
        return _("{need} of {count} needs you.").format(need=need, count=count)
    return ngettext("{count} connection, nothing needs you.", "{count} connections, nothing needs you.", count).format(
        count=count
    )


def _role(request: HttpRequest) -> str:
    return str(getattr(request.user, "role", ""))


def _connection(request: HttpRequest, connection_id: int) -> ErpConnection:
    return get_object_or_404(ErpConnection, pk=connection_id, site=site_of(request))


@allows("pause_connection")
@require_POST
def pause(request: HttpRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    refusal = attempt(
        lambda: pause_connection(
            actor=actor_of(request),
            connection_id=connection.pk,
            reason=request.POST.get("reason", ""),
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    )
    if refusal:
        return _refused(request, "desk/connections.html", _connections(request), refusal)
    return done(request, _("{name} is paused.").format(name=connection.name), CONNECTIONS)


@allows("resume_connection")
@require_POST
def resume(request: HttpRequest, connection_id: int) -> HttpResponse:
    connection = _connection(request, connection_id)
    refusal = attempt(
        lambda: resume_connection(
            actor=actor_of(request),
            connection_id=connection.pk,
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    )
    if refusal:
        return _refused(request, "desk/connections.html", _connections(request), refusal)
    _ring()
    return done(request, _("{name} goes on.").format(name=connection.name), CONNECTIONS)


@allows("manage_connections")
@require_POST
def fetch_now(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Let every job of the connection run at the next tick, which is rung for."""
    connection = _connection(request, connection_id)
    make_due(connection)
    _ring()
    return done(request, _("{name} is asked for news now.").format(name=connection.name), CONNECTIONS)


def _ring() -> None:
    nudge_after_commit("erp_sync.tasks.fetch", queue="erp")
    nudge_after_commit("erp_sync.tasks.tell", queue="erp")


def _refused(request: HttpRequest, template: str, context: dict[str, Any], refusal: Refused) -> HttpResponse:
    return render(request, template, {**context, "refusal": refusal_context(refusal)}, status=refusal.status)


# ------------------------------------------------------------------------------------------------------------ messages


@allows("view_connections")
@require_safe
def messages_page(request: HttpRequest) -> HttpResponse:
    """The messages of a state, newest first, and beside them the chosen one with all that is known of it."""
    context = _messages(request)
    if part_of(request, "messages"):
        return live_part(request, "desk/erp_messages.html#messages", context)
    return render(request, "desk/erp_messages.html", context)


def _messages(request: HttpRequest, chosen_id: int | None = None, **more: Any) -> dict[str, Any]:
    site = site_of(request)
    counts = monitor.counts_of(site.pk)
    tab = request.GET.get("state") or ("parked" if counts["parked"] else "all")
    tab = tab if tab in monitor.TABS else "all"
    text, connection = request.GET.get("q", "").strip()[:64], request.GET.get("connection", "")[:60]
    listed = list(monitor.messages_of(site.pk, tab, connection, text)[: PAGE + 1])
    chosen = _chosen(request, site.pk, listed, chosen_id)
    role = _role(request)
    causes = monitor.causes_of(site.pk)
    ids = set(listed) | ({chosen} if chosen else set())
    return {
        "site": site,
        "tabs": [
            {"name": name, "label": label, "count": counts[name], "url": without(request, "message", state=name)}
            for name, label in _tab_labels()
        ],
        "tab": tab,
        "q": text,
        "rows": [
            erp_words.message_row(each, without(request, state=tab, message=each.pk), chosen=each == chosen)
            for each in listed[:PAGE]
        ],
        "more": len(listed) > PAGE,
        "shown": min(len(listed), PAGE),
        "total": counts[tab],
        "chosen": _detail(chosen) if chosen else None,
        "causes": causes[:1],
        "may_retry": may(role, "retry_message"),
        "may_skip": may(role, "skip_message"),
        "may_post_again": may(role, "post_again"),
        "topics": " ".join(sorted({f"erp:{each.connection_id}" for each in ids})) or f"erp-site:{site.pk}",
        "src": without(request, part="messages"),
        **more,
    }


def _tab_labels() -> list[tuple[str, str]]:
    return [
        ("all", _("All")),
        ("parked", _("Need a person")),
        ("waiting", _("Waiting")),
        ("posted", _("Posted")),
        ("settled", _("Settled by hand")),
    ]


def _chosen(
    request: HttpRequest, site_id: int, listed: list[OutboundMessage], chosen_id: int | None
) -> OutboundMessage | None:
    wanted = str(chosen_id or request.GET.get("message", ""))
    if wanted.isdigit():
        found = OutboundMessage.objects.filter(connection__site_id=site_id).select_related("connection")
        one = found.filter(pk=int(wanted)).first()
        if one is not None:
            return one
    return listed[0] if listed else None


def _detail(message: OutboundMessage) -> dict[str, Any]:
    history = list(message.history.order_by("-pk")[:20])
    return erp_words.message_detail(message, history, monitor.waiting_behind(message))


@allows("retry_message")
@require_POST
def retry(request: HttpRequest, message_id: int) -> HttpResponse:
    """Send a parked message again; with `accept` the question is answered with yes."""
    accept = request.POST.get("accept") == "1"
    refusal = attempt(
        lambda: retry_message(
            actor=actor_of(request),
            message_id=message_id,
            accept=accept,
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    )
    if refusal:
        return _refused(request, "desk/erp_messages.html", _messages(request, message_id), refusal)
    _ring()
    return done(request, _("The message is sent again."), f"{MESSAGES}?state=all&message={message_id}")


@allows("retry_message")
@require_POST
def retry_all(request: HttpRequest) -> HttpResponse:
    """Send every message again that was parked for one cause."""
    site = site_of(request)
    code, kind = request.POST.get("code", ""), request.POST.get("class", "")
    parked = monitor.messages_of(site.pk, "parked", "", "").filter(
        error_code=code, error_class=kind, kind=OutboundMessage.COMPLETION
    )
    sent = 0
    for message_id in list(parked.values_list("pk", flat=True)):
        refusal = attempt(
            lambda message_id=message_id: retry_message(  # type: ignore[misc]
                actor=actor_of(request), message_id=message_id, command_id=is_sane_id(None)
            )
        )
        sent += refusal is None
    _ring()
    text = ngettext("{count} message is sent again.", "{count} messages are sent again.", sent)
    return done(request, text.format(count=sent), f"{MESSAGES}?state=waiting")


@allows("skip_message")
@require_POST
def skip(request: HttpRequest, message_id: int) -> HttpResponse:
    refusal = attempt(
        lambda: skip_message(
            actor=actor_of(request),
            message_id=message_id,
            reason=request.POST.get("reason", ""),
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    )
    if refusal:
        return _refused(request, "desk/erp_messages.html", _messages(request, message_id), refusal)
    _ring()
    return done(request, _("The message is settled by hand."), f"{MESSAGES}?state=settled&message={message_id}")


@allows("post_again")
@require_POST
def again(request: HttpRequest, message_id: int) -> HttpResponse:
    refusal = attempt(
        lambda: post_again(
            actor=actor_of(request),
            message_id=message_id,
            reason=request.POST.get("reason", ""),
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    )
    if refusal:
        return _refused(request, "desk/erp_messages.html", _messages(request, message_id), refusal)
    _ring()
    return done(request, _("The ERP is told once more."), f"{MESSAGES}?state=all&message={message_id}")
