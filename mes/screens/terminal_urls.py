"""The addresses of the terminal's pages, all under /t/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
