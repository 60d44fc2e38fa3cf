"""Tells Django of the demo plant. Registers nothing else."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "mes.demo"
    label = "demo"
