from django.apps import AppConfig


class LaborConfig(AppConfig):
    name = "labor"
