"""What a person sets for this browser: the colours. Kept in a cookie, known to nobody else."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from mes.accounts.policies import open_to
from mes.screens.context import THEME_COOKIE, THEMES

YEAR = 365 * 24 * 3600


@open_to("everybody: the colours of a browser are nobody's secret")
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember the theme, or forget it when it is not one of ours; back to where the person was."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = "/"
    response = HttpResponseRedirect(back)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        response.set_cookie(
            THEME_COOKIE, theme, max_age=YEAR, samesite="Lax", secure=request.is_secure(), httponly=True
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
