"""Tells Django of the screens. Registers nothing else."""

from django.apps import AppConfig


class ScreensConfig(AppConfig):
    name = "mes.screens"
    label = "screens"
