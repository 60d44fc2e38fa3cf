"""The addresses of the HTTP API and of the health pages."""

from django.urls import path

from mes.api import health, v1

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("statusz", health.statusz),
    path("metrics", health.show_metrics),
    path("api/v1/openapi.json", v1.schema),
    path("api/v1/", v1.nowhere),
    path("api/v1/", v1.api.urls),
    path("api/<path:path>", v1.nowhere),
    path("api/", v1.nowhere),
]
