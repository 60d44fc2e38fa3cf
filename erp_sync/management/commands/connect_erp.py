"""`manage.py connect_erp`: make a connection to an ERP and say whether it will work."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.core.management.base import BaseCommand, CommandError

from erp_sync import credentials
from erp_sync.actions.connections import connect_erp, replace_credentials
from erp_sync.adapters.errors import ErpError
from erp_sync.adapters.registry import UnknownAdapter, adapter_class, adapter_names
from erp_sync.messages import Severity
from erp_sync.models import ErpConnection
from erp_sync.outbound import open_adapter
from mes.kernel.actors import system
from mes.kernel.errors import Refused
from workorders.models import Site


class Command(BaseCommand):
    help = "Connects an ERP. Secrets are read from files or variables, never from the command line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", default="ERP", help="how people will call it")
        parser.add_argument("--adapter", default="tryton", help=f"one of {', '.join(adapter_names())}")
        parser.add_argument("--site", help="the site's code; not needed when there is one site")
        parser.add_argument("--url")
        parser.add_argument("--database")
        parser.add_argument("--user")
        parser.add_argument("--password-file", type=Path, help="else the variable MES_ERP_PASSWORD is read")
        parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="another setting")
        parser.add_argument("--prefix", default="", help="stands before the ERP's order numbers here")
        parser.add_argument(
            "--replace",
            action="store_true",
            help="give the connection of this name new secrets and nothing else",
        )
        parser.add_argument("--no-auto-release", action="store_true", help="planners release each order here")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = self._replaced(options) if options["replace"] else self._made(options)
        try:
            with open_adapter(connection) as adapter:
                probe = adapter.probe()
        except ErpError as failure:
            self.stdout.write(self.style.WARNING(f"It does not answer yet: {failure.text}"))
            return
        self.stdout.write(f"{probe.product} {probe.version}, {probe.account}.")
        for issue in probe.issues:
            style = self.style.ERROR if issue.severity is Severity.ERROR else self.style.WARNING
            self.stdout.write(style(issue.text))

    def _replaced(self, options: dict[str, Any]) -> ErpConnection:
        site = self._site(options["site"])
        found = ErpConnection.objects.filter(site=site, name=options["name"]).first()
        if found is None:
            raise CommandError(f"There is no connection {options['name']} at {site.code}.")
        secrets = {name: self._secret(name, options) for name in sorted(adapter_class(found.adapter).secret_settings)}
        try:
            made: ErpConnection = replace_credentials(
                actor=system(site.pk, "connect_erp"),
                connection_id=found.pk,
                sealed=credentials.seal(secrets).decode() if secrets else "",
                command_id=uuid4(),
            )
        except (Refused, credentials.Unreadable) as refusal:
            raise CommandError(getattr(refusal, "message", str(refusal))) from refusal
        self.stdout.write(f"Connection {made.name} has other secrets.")
        return made

    def _made(self, options: dict[str, Any]) -> ErpConnection:
        try:
            kind = adapter_class(options["adapter"])
        except UnknownAdapter as error:
            raise CommandError(str(error)) from error
        settings = {name: options[name] for name in ("url", "database", "user") if options[name]}
        for pair in options["set"]:
            name, sign, value = pair.partition("=")
            if not sign:
                raise CommandError(f"--set needs NAME=VALUE, not {pair!r}.")
            settings[name] = value
        secrets = {name: self._secret(name, options) for name in sorted(kind.secret_settings)}
        try:
            connection: ErpConnection = connect_erp(
                actor=system(self._site(options["site"]).pk, "connect_erp"),
                name=options["name"],
                adapter=options["adapter"],
                settings=settings,
                sealed=credentials.seal(secrets).decode() if secrets else "",
                auto_release=not options["no_auto_release"],
                number_prefix=options["prefix"],
                command_id=uuid4(),
            )
        except (Refused, credentials.Unreadable) as refusal:
            raise CommandError(getattr(refusal, "message", str(refusal))) from refusal
        self.stdout.write(f"Connection {connection.name} was made.")
        return connection

    def _secret(self, name: str, options: dict[str, Any]) -> str:
        path = options.get("password_file") if name == "password" else None
        variable = f"MES_ERP_{name.upper()}"
        try:
            value = path.read_text(encoding="utf-8").strip() if path else os.environ.get(variable, "")
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from error
        if not value:
            raise CommandError(f"The secret {name} is missing: give --password-file, or set {variable}.")
        return value

    def _site(self, code: str | None) -> Site:
        sites = Site.objects.order_by("pk")
        if code:
            found = sites.filter(code=code).first()
            if found is None:
                raise CommandError(f"There is no site {code}.")
            return found
        if sites.count() != 1:
            raise CommandError("There is not exactly one site; name it with --site.")
        return sites[0]
