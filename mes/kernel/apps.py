from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "mes.kernel"
    label = "kernel"
