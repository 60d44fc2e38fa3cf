"""The addresses of the desk pages."""

from django.urls import URLPattern, path

from mes.screens.desk import floor, short_links, sign_in

urlpatterns: list[URLPattern] = [
    path("", sign_in.home, name="home"),
    path("login/", sign_in.sign_in, name="sign-in"),
    path("logout/", sign_in.sign_out, name="sign-out"),
    path("floor/", floor.floor_page, name="floor"),
    path("b/<path:code>", short_links.short_link, name="short-link"),
]
