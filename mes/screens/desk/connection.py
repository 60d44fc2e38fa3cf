"""One connection at the desk: made from a form, tested in steps, changed, and how often it is asked for what."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from erp_sync import credentials, probing
from erp_sync.actions.connections import connect_erp, edit_connection, replace_credentials, schedule_job
from erp_sync.adapters.registry import adapter_class
from erp_sync.models import ErpConnection, SyncJob
from erp_sync.queries import monitor, pulls
from mes.accounts.policies import actor_of, allows, may
from mes.kernel.errors import Refused
from mes.screens.desk import connection_fields, erp_words
from mes.screens.desk.pages import attempt, done, is_sane_id, refusal_context, site_of

RUNS, RECORDS = 20, 20


# ----------------------------------------------------------------------------------------------------------------- new


@allows("connect_erp")
@require_http_methods(["GET", "HEAD", "POST"])
def new_connection(request: HttpRequest) -> HttpResponse:
    """The form of a new connection. It can be tested before it is made; a secret must then be typed again."""
    adapter = connection_fields.known_kind(request.POST.get("adapter", request.GET.get("adapter", "")))
    if request.method != "POST":
        return _new_form(request, adapter, connection_fields.Typed("", "", True, {}, {}))
    typed = connection_fields.Typed.of(adapter, request.POST)
    if request.POST.get("act") == "test":
        steps = probing.look(adapter, {**typed.settings, **typed.secrets})
        return _new_form(request, adapter, typed, steps=steps)
    try:
        connect_erp(
            actor=actor_of(request),
            name=typed.name,
            adapter=adapter,
            settings=typed.settings,
            sealed=_sealed(typed.secrets),
            auto_release=typed.auto_release,
            number_prefix=typed.prefix,
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    except Refused as refusal:
        return _new_form(request, adapter, typed, refusal=refusal)
    # Read again, for a repetition of the same form answers with the stored outcome of the first.
    made = get_object_or_404(ErpConnection, site=site_of(request), name=typed.name)
    return done(request, _("{name} is connected; test it now.").format(name=made.name), _address(made))


def _new_form(
    request: HttpRequest,
    adapter: str,
    typed: connection_fields.Typed,
    steps: list[probing.Step] | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    context = {
        "kinds": connection_fields.kinds(),
        "adapter": adapter,
        "label": adapter_class(adapter).label,
        "typed": typed,
        "fields": connection_fields.rows_of(adapter, typed.settings, sealed=False),
        "steps": steps,
        "works": steps is not None and probing.usable(steps),
        "refusal": refusal_context(refusal) if refusal else None,
    }
    return render(request, "desk/connection_new.html", context, status=refusal.status if refusal else 200)


def _sealed(secrets: dict[str, str]) -> str:
    """Raises `connection_settings` when there is no key to encrypt with."""
    if not secrets:
        return ""
    try:
        return credentials.seal(secrets).decode()
    except credentials.Unreadable as error:
        raise Refused("connection_settings", why=str(error)) from error


# ----------------------------------------------------------------------------------------------------------- the page


def _address(connection: ErpConnection) -> str:
    return reverse("connection", args=[connection.pk])


def _connection(request: HttpRequest, connection_id: int) -> ErpConnection:
    return get_object_or_404(ErpConnection, pk=connection_id, site=site_of(request))


@allows("view_connections")
@require_safe
def connection_page(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Health, settings without secrets, schedules, runs, and records that lack something."""
    return _page(request, _connection(request, connection_id))


def _page(
    request: HttpRequest,
    connection: ErpConnection,
    *,
    typed: connection_fields.Typed | None = None,
    steps: list[probing.Step] | None = None,
    refusal: Refused | None = None,
) -> HttpResponse:
    now, role = timezone.now(), str(getattr(request.user, "role", ""))
    health = next(each for each in monitor.health_of(connection.site_id, now) if each.connection.pk == connection.pk)
    waiting = list(pulls.waiting_records(connection)[: RECORDS + 1])
    context: dict[str, Any] = {
        "connection": connection,
        "card": erp_words.card(health, now),
        "name": typed.name if typed else connection.name,
        "prefix": typed.prefix if typed else connection.number_prefix,
        "auto_release": typed.auto_release if typed else connection.auto_release,
        "fields": connection_fields.rows_of(
            connection.adapter, typed.settings if typed else connection.settings, sealed=bool(connection.sealed)
        ),
        "jobs": [erp_words.job_row(state, now) for state in pulls.jobs_of(connection)],
        "runs": [erp_words.run_row(run) for run in pulls.runs_of(connection)[:RUNS]],
        "records": [erp_words.record_row(record) for record in waiting[:RECORDS]],
        "more_records": len(waiting) > RECORDS,
        "steps": steps,
        "works": steps is not None and probing.usable(steps),
        "may_edit": may(role, "edit_connection"),
        "may_manage": may(role, "pause_connection"),
        "refusal": refusal_context(refusal) if refusal else None,
        "editing": refusal is not None and typed is not None,
    }
    return render(request, "desk/connection.html", context, status=refusal.status if refusal else 200)


@allows("manage_connections")
@require_POST
def test_connection(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Look at the ERP now, with the stored settings and secrets. Changes nothing, there or here."""
    connection = _connection(request, connection_id)
    try:
        settings = connection.all_settings()
    except credentials.Unreadable as error:
        return _page(request, connection, refusal=Refused("connection_settings", why=str(error)))
    return _page(request, connection, steps=probing.look(connection.adapter, settings))


@allows("edit_connection")
@require_POST
def edit(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Change settings, and the secrets that were typed. An empty secret keeps the one there is."""
    connection = _connection(request, connection_id)
    typed = connection_fields.Typed.of(connection.adapter, request.POST, connection.settings)
    command_id = is_sane_id(request.POST.get("command_id"))

    def change() -> None:
        if typed.secrets:
            sealed = _sealed({**credentials.unseal(bytes(connection.sealed)), **typed.secrets})
            replace_credentials(
                actor=actor_of(request), connection_id=connection.pk, sealed=sealed, command_id=is_sane_id(None)
            )
        edit_connection(
            actor=actor_of(request),
            connection_id=connection.pk,
            name=typed.name,
            settings=typed.settings,
            auto_release=typed.auto_release,
            number_prefix=typed.prefix,
            command_id=command_id,
        )

    refusal = attempt(change)
    if refusal:
        return _page(request, connection, typed=typed, refusal=refusal)
    return done(request, _("{name} is changed; test it now.").format(name=typed.name), _address(connection))


@allows("schedule_job")
@require_POST
def schedule(request: HttpRequest, job_id: int) -> HttpResponse:
    """How often one kind of record is asked for."""
    job = get_object_or_404(SyncJob.objects.select_related("connection"), pk=job_id, connection__site=site_of(request))
    text = request.POST.get("seconds", "")
    refusal = attempt(
        lambda: schedule_job(
            actor=actor_of(request),
            job_id=job.pk,
            interval_seconds=int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0,
            command_id=is_sane_id(request.POST.get("command_id")),
        )
    )
    if refusal:
        return _page(request, job.connection, refusal=refusal)
    what = erp_words.entity_word(job.entity)
    text = _("{what} are asked for every {seconds} seconds.").format(what=what, seconds=text)
    return done(request, text, f"{_address(job.connection)}#schedules")
