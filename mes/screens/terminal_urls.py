"""The addresses of the terminal's pages, all under /t/."""

from django.urls import URLPattern, path

from mes.screens.terminal import entry, home, job, scan

urlpatterns: list[URLPattern] = [
    path("", entry.lock, name="terminal-lock"),
    path("setup/", entry.setup, name="terminal-setup"),
    path("leave/", entry.leave, name="terminal-leave"),
    path("home/", home.home, name="terminal-home"),
    path("undo/", home.undo, name="terminal-undo"),
    path("scan/", scan.scan, name="terminal-scan"),
    path("job/<int:operation>/", job.job, name="terminal-job"),
    path("job/<int:operation>/quantity/", job.quantity, name="terminal-quantity"),
    path("job/<int:operation>/scrap/", job.scrap, name="terminal-scrap"),
    path("job/<int:operation>/pause/", job.pause, name="terminal-pause"),
    path("job/<int:operation>/check/", job.check, name="terminal-check-next"),
    path("job/<int:operation>/check/<str:code>/", job.check, name="terminal-check"),
    path("job/<int:operation>/materials/", job.materials, name="terminal-materials"),
]
