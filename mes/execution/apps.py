from django.apps import AppConfig


class ExecutionConfig(AppConfig):
    name = "mes.execution"
    label = "execution"
