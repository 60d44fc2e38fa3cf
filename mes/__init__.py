"""The house: settings, the kernel, accounts, the floor acts, screens and the API. Domain nouns live in the apps."""

from mes.celery import app as celery_app

__all__ = ["celery_app"]
