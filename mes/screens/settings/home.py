"""The first page of the settings: where everything is."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from mes.accounts.policies import allows
from mes.screens.desk.pages import site_of
from mes.screens.settings.first_steps import steps_of
from mes.screens.settings.frame import page


@allows("view_settings")
@require_safe
def settings_home(request: HttpRequest) -> HttpResponse:
    """Every section with a word on what it holds; above them the first steps, until they are done."""
    steps = steps_of(site_of(request).pk)
    done = sum(step.is_done for step in steps)
    following = next((step for step in steps if not step.is_done), None)
    return page(request, "desk/settings/home.html", {"steps": steps, "done": done, "following": following})
