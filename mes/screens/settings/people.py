"""People: the list with its form, and the page of one person with badge, PIN, password, role and history."""

from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from mes.accounts.actions import people
from mes.accounts.badges import hashed_pin
from mes.accounts.models import ROLES, Badge, User
from mes.accounts.passwords import hashed_password
from mes.accounts.policies import actor_of, allows
from mes.kernel import labels
from mes.kernel.errors import Refused
from mes.kernel.scanning import Kind, make_code
from mes.screens.desk.acts import Act, Field, buttons, find, who_may
from mes.screens.desk.errors import nothing_here
from mes.screens.desk.pages import done, is_sane_id, refusal_context, site_of, without
from mes.screens.settings.frame import Cell, page, panel, role_may, role_of, searched, typed_of, whole
from mes.screens.settings.history import history
from mes.screens.settings.labels import badge_pdf

PATH = "/settings/people/"
PAGE = 100
_PIN_HINT = gettext_lazy("Four to eight digits; it proves at a terminal what the badge claims.")
_NAME = Field("name", gettext_lazy("Name"), required=True)
_ROLE = Field("role", gettext_lazy("Role"), "choice", required=True, choices=tuple(ROLES))
_LANGUAGE = Field(
    "language", gettext_lazy("Language"), "choice", required=True, value="en", choices=tuple(settings.LANGUAGES)
)
_PIN = Field("pin", gettext_lazy("PIN"), "secret", required=True, hint=_PIN_HINT)
ADD = Act(
    "add",
    gettext_lazy("Add a person"),
    "user-plus",
    "add_person",
    text=gettext_lazy("The person gets a badge with a random code. A password for the desk can be set afterwards."),
    fields=(
        _NAME,
        Field("username", gettext_lazy("User name"), required=True, hint=gettext_lazy("Without spaces; it stays.")),
        _ROLE,
        _LANGUAGE,
        _PIN,
    ),
)
CHANGE = Act("change", gettext_lazy("Change"), "pencil", "change_person", fields=(_NAME, _ROLE, _LANGUAGE), weight=1)
PIN = Act(
    "pin",
    gettext_lazy("New PIN"),
    "key-round",
    "reset_pin",
    text=gettext_lazy("The old PIN ends at once, at every terminal, and so does a lock after wrong tries."),
    fields=(_PIN,),
)
PASSWORD = Act(
    "password",
    gettext_lazy("Set a password"),
    "lock",
    "set_password",
    text=gettext_lazy("For signing in at a desk. Whoever is signed in with the old password is signed out."),
    fields=(
        Field(
            "password", gettext_lazy("Password"), "secret", required=True, hint=gettext_lazy("At least ten characters.")
        ),
    ),
)
BADGE = Act(
    "badge",
    gettext_lazy("New badge"),
    "id-card",
    "issue_badge",
    title=gettext_lazy("Issue a new badge"),
    text=gettext_lazy("The badge that is out now opens no terminal any more."),
)
LEAVE = Act(
    "leave",
    gettext_lazy("Deactivate"),
    "ban",
    "deactivate_person",
    title=gettext_lazy("Deactivate the account"),
    text=gettext_lazy("For leavers: badge, PIN, password and open sessions end at once. What was done stays."),
    weight=3,
)
RETURN = Act(
    "return",
    gettext_lazy("Reactivate"),
    "rotate-ccw",
    "reactivate_person",
    title=gettext_lazy("Reactivate the account"),
    text=gettext_lazy("The person may sign in again and gets a new badge; the old one stays void."),
    weight=0,
)


@allows("view_settings")
@require_http_methods(["GET", "HEAD", "POST"])
def people_page(request: HttpRequest) -> HttpResponse:
    """Everybody of the plant, leavers last. `?act=add` opens the form; a POST adds somebody."""
    site = site_of(request)
    opened = ADD if request.GET.get("act") == "add" and role_may(request, ADD.right) else None
    typed: dict[str, str] = {}
    refusal: Refused | None = None
    if request.method == "POST":
        opened, typed = ADD, typed_of(ADD, request.POST)
        try:
            person = _add(request, typed)
        except Refused as refused:
            refusal = refused
        else:
            text = _("{name} is added. Print the badge, and tell the PIN.").format(name=typed["name"])
            return done(request, text, f"{PATH}{person}/")
    search, start = searched(request), whole(request.GET.get("from")) or 0
    rows = User.objects.filter(site_id=site.pk).annotate(
        has_badge=Exists(Badge.objects.filter(user=OuterRef("pk"), revoked_at__isnull=True))
    )
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(username__icontains=search))
    found = list(rows.order_by("-is_active", "name", "pk")[start : start + PAGE + 1])
    shown = len(found[:PAGE])
    context = {
        "rows": [(person, _cells(person)) for person in found[:PAGE]],
        "search": search,
        "may_add": role_may(request, ADD.right),
        "who_may": "" if role_may(request, ADD.right) else who_may(ADD.right),
        "shown": ngettext("{count} person on this page.", "{count} people on this page.", shown).format(count=shown),
        "next_url": without(request, "act", **{"from": start + PAGE}) if len(found) > PAGE else "",
        "first_url": without(request, "act", "from") if start else "",
        "panel": panel(request, opened, typed, refusal) if opened else None,
    }
    return page(request, "desk/settings/people.html", context, refusal.status if refusal else 200)


def _add(request: HttpRequest, typed: dict[str, str]) -> int:
    command_id = is_sane_id(request.POST.get("command_id"))
    fields = {name: typed[name] for name in ("name", "username", "role", "language")}
    pin_hash = hashed_pin(typed["pin"], command_id.hex)
    made = people.add_person(actor=actor_of(request), pin_hash=pin_hash, command_id=command_id, **fields)
    return int(made["id"] if isinstance(made, dict) else made.pk)


def _cells(person: User) -> list[Cell]:
    roles = dict(ROLES)
    state = Cell(_("active"), "chip", "run") if person.is_active else Cell(_("left"), "chip", "idle")
    has_badge = getattr(person, "has_badge", False)
    return [
        Cell(person.name, url=f"{PATH}{person.pk}/"),
        Cell(person.username, "id"),
        Cell(roles[person.role]),
        Cell(dict(settings.LANGUAGES).get(person.language, person.language)),
        Cell(_("yes") if has_badge else "–"),
        Cell(_("yes") if person.has_usable_password() else "–"),
        state,
    ]


@allows("view_settings")
@require_http_methods(["GET", "HEAD", "POST"])
def person_page(request: HttpRequest, person_id: int) -> HttpResponse:
    """One person: what can be done with the account, the badge, and what has happened to it."""
    person = User.objects.filter(site_id=site_of(request).pk, pk=min(person_id, 2**63 - 1)).first()
    if person is None:
        return nothing_here(request, _("There is no such person."), _("Look at Settings, People."))
    acts = [CHANGE, BADGE, PIN, PASSWORD, LEAVE] if person.is_active else [RETURN, CHANGE]
    key = request.POST.get("act", "") if request.method == "POST" else request.GET.get("act", "")
    opened = find(acts, key)
    typed = {"name": person.name, "role": person.role, "language": person.language}
    refusal: Refused | None = None
    if request.method == "POST" and opened is not None:
        typed = typed_of(opened, request.POST)
        try:
            said = _do(request, person, opened, typed)
        except Refused as refused:
            refusal = refused
        else:
            return done(request, said, f"{PATH}{person.pk}/")
    if opened is not None and not role_may(request, opened.right) and refusal is None:
        opened = None
    badge = Badge.objects.filter(user=person, revoked_at__isnull=True).first()
    shows_badge = badge is not None and role_may(request, "issue_badge")
    context: dict[str, Any] = {
        "person": person,
        "role": dict(ROLES)[person.role],
        "speaks": dict(settings.LANGUAGES).get(person.language, person.language),
        "badge": badge,
        "code": _printed(badge) if shows_badge and badge else "",
        "picture": labels.to_svg(labels.code128(_printed(badge)), label=_("Badge")) if shows_badge and badge else "",
        "buttons": buttons(acts, role_of(request)),
        "panel": panel(request, opened, typed, refusal) if opened else None,
        "lines": history(f"person:{person.pk}"),
        "path": f"{PATH}{person.pk}/",
        "refusal": refusal_context(refusal) if refusal and opened is None else None,
    }
    return page(request, "desk/settings/person.html", context, refusal.status if refusal else 200)


def _do(request: HttpRequest, person: User, act: Act, typed: dict[str, str]) -> str:
    command_id = is_sane_id(request.POST.get("command_id"))
    who: dict[str, Any] = {"actor": actor_of(request), "person_id": person.pk, "command_id": command_id}
    if act is CHANGE:
        people.change_person(name=typed["name"], role=typed["role"], language=typed["language"], **who)
        return _("The change is saved.")
    if act is PIN:
        people.reset_pin(pin_hash=hashed_pin(typed["pin"], command_id.hex), **who)
        return _("The new PIN holds from now on. Tell it to {name} in person.").format(name=person.name)
    if act is PASSWORD:
        people.set_password(password_hash=hashed_password(typed["password"], command_id.hex), **who)
        return _("The password is set.")
    if act is BADGE:
        people.issue_badge(**who)
        return _("The new badge is ready to be printed; the old one is void.")
    if act is LEAVE:
        people.deactivate_person(**who)
        return _("{name} can sign in nowhere any more.").format(name=person.name)
    people.reactivate_person(**who)
    return _("{name} may sign in again. Print the new badge.").format(name=person.name)


def _printed(badge: Badge) -> str:
    """What the badge's bar code says: the code with the letter of badges and its check character."""
    return make_code(Kind.BADGE, badge.code)


def _open_badge(request: HttpRequest, person_id: int) -> Badge | None:
    badges = Badge.objects.select_related("user").filter(revoked_at__isnull=True, user__site_id=site_of(request).pk)
    return badges.filter(user_id=min(person_id, 2**63 - 1)).first()


@allows("issue_badge")
@require_safe
def badge_page(request: HttpRequest, person_id: int) -> HttpResponse:
    """The badge as a card to be printed from the browser."""
    badge = _open_badge(request, person_id)
    if badge is None:
        return nothing_here(request, _("This person has no badge."), _("Issue one on the person's page first."))
    code = _printed(badge)
    context = {"badge": badge, "code": code, "picture": labels.to_svg(labels.code128(code), label=_("Badge"))}
    return render(request, "desk/settings/badge.html", context | {"plant": site_of(request)})


@allows("issue_badge")
@require_safe
def badge_file(request: HttpRequest, person_id: int) -> HttpResponse:
    """The badge as a PDF of the size of a bank card."""
    badge = _open_badge(request, person_id)
    if badge is None:
        return nothing_here(request, _("This person has no badge."), _("Issue one on the person's page first."))
    answer = HttpResponse(badge_pdf(badge.user.name, site_of(request).name, _printed(badge)), "application/pdf")
    answer["Content-Disposition"] = f'inline; filename="badge-{badge.user_id}.pdf"'
    answer["Cache-Control"] = "no-store"
    return answer
