"""Tells Django of the accounts app and registers its invariants, refusals, retention and the matrix."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "mes.accounts"
    label = "accounts"

    def ready(self) -> None:
        from mes.accounts import invariants, refusals, retention  # noqa: F401 - they register themselves
        from mes.accounts.policies import authorise
        from mes.kernel.commands import set_authoriser

        set_authoriser(authorise)
