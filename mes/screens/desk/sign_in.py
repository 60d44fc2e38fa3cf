"""Signing in and out at a desk, and the way from the bare address to the floor."""

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mes.accounts.passwords import prove_password
from mes.accounts.policies import open_to
from mes.kernel.errors import Refused
from mes.screens.desk.pages import refusal_context

START = "/floor/"


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else START


@open_to("everybody: the sign-in page itself")
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """The form, or on to where the person wanted to go."""
    if request.method != "POST":
        if request.user.is_authenticated:
            return HttpResponseRedirect(_next(request))
        return render(request, "desk/sign_in.html", {"next": _next(request)})
    username = request.POST.get("username", "")
    try:
        person = prove_password(request, username, request.POST.get("password", ""))
    except Refused as refusal:
        context = {"next": _next(request), "username": username[:60], "refusal": refusal_context(refusal)}
        return render(request, "desk/sign_in.html", context, status=refusal.status)
    login(request, person)
    return HttpResponseRedirect(_next(request))


@open_to("everybody: signing out is safe for whoever asks")
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return HttpResponseRedirect("/login/")


@open_to("everybody: it only points to the floor, which asks to sign in")
@require_safe
def home(_request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(START)
