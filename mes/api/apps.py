"""Tells Django of the API. Registers nothing else."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "mes.api"
    label = "api"
