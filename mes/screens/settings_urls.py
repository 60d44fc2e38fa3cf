"""The addresses of the settings."""

from django.urls import URLPattern, path

from mes.screens.settings import first_steps, home, import_page, items, network, people, shifts, terminals, versions
from mes.screens.settings.plant_registers import AREAS, LOCATIONS, REASONS, WORK_CENTERS, WORK_UNITS
from mes.screens.settings.registers import register_view
from mes.screens.settings.unit_registers import CONVERSIONS, UNITS

_REGISTERS = (AREAS, LOCATIONS, REASONS, WORK_CENTERS, WORK_UNITS, UNITS, CONVERSIONS)

urlpatterns: list[URLPattern] = [
    path("settings/", home.settings_home, name="settings"),
    path("settings/first-steps/", first_steps.first_steps_page, name="first-steps"),
    path("settings/shifts/", shifts.shifts_page, name="shifts"),
    path("settings/people/", people.people_page, name="people"),
    path("settings/people/<int:person_id>/", people.person_page, name="person"),
    path("settings/people/<int:person_id>/badge/", people.badge_page, name="badge"),
    path("settings/people/<int:person_id>/badge.pdf", people.badge_file, name="badge-file"),
    path("settings/terminals/", terminals.terminals_page, name="terminals"),
    path("settings/network/", network.network_page, name="network"),
    path("trust/mes-root.crt", network.root_certificate, name="root-certificate"),
    path("settings/items/", items.items_page, name="items"),
    path("settings/items/<str:code>/", items.item_page, name="item"),
    path("settings/items/<str:code>/bom/", versions.bom_page, name="new-bom"),
    path("settings/items/<str:code>/routing/", versions.routing_page, name="new-routing"),
    path("settings/import/", import_page.import_page, name="import"),
    path("settings/import/<slug:key>.csv", import_page.import_file, name="import-file"),
    *(path(register.path.lstrip("/"), register_view(register)) for register in _REGISTERS),
]
