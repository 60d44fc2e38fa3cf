"""The addresses of pages that belong neither to the desk nor to the terminal."""

from django.urls import path

from mes.screens import preferences, styleguide

urlpatterns = [
    path("theme/", preferences.set_theme, name="set-theme"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
]
