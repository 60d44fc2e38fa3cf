from django.apps import AppConfig


class ScreensConfig(AppConfig):
    name = "mes.screens"
    label = "screens"
