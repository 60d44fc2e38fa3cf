"""Tells Django of the kernel. Registers nothing else."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "mes.kernel"
    label = "kernel"
