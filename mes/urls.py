"""The URL map: one include per room."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("mes.screens.urls")),
    path("", include("mes.screens.desk_urls")),
    path("", include("mes.screens.settings_urls")),
    path("t/", include("mes.screens.terminal_urls")),
    path("", include("mes.api.urls")),
]

handler400 = "mes.screens.desk.errors.unreadable"
handler403 = "mes.screens.desk.errors.forbidden"
handler404 = "mes.screens.desk.errors.not_found"
handler500 = "mes.screens.desk.errors.broken"
