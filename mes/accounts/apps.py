from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "mes.accounts"
    label = "accounts"
