"""Tells Django of the devices app. Registers nothing else."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "devices"
