"""`manage.py sync_now`: pull what can be pulled and tell what is owed, at once, and say what came of it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from erp_sync import inbound, outbound, states
from erp_sync.actions.storing import make_due
from erp_sync.models import ErpConnection, InboundRecord, OutboundMessage
from mes.kernel import delivery


class Command(BaseCommand):
    help = "Pulls from and tells ERPs now, without waiting for the schedule."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connection", help="only the one of this name")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = ErpConnection.objects.order_by("pk")
        if options["connection"]:
            connections = connections.filter(name=options["connection"])
        if not connections:
            raise CommandError("There is no such connection.")
        for connection in connections:
            make_due(connection)
        runs = inbound.run_due()
        delivery.drain()
        told = outbound.drain()
        self.stdout.write(f"{runs} pulls, {told} messages taken up.")
        for connection in connections.all():
            waiting = connection.messages.filter(state=states.PENDING).count()
            parked = connection.messages.filter(state=states.PARKED)
            records = InboundRecord.objects.filter(connection=connection, state=InboundRecord.PARKED)
            self.stdout.write(
                f"{connection.name}: {connection.state}, {waiting} messages waiting, {parked.count()} need a person, "
                f"{records.count()} records incomplete."
            )
            if connection.state == states.STOPPED or connection.failures:
                self.stdout.write(self.style.WARNING(connection.state_reason or connection.last_error))
            for message in parked[:20]:
                self._say(message)
            for record in records[:20]:
                self.stdout.write(f"  {record.entity} {record.key}: {record.reason}")

    def _say(self, message: OutboundMessage) -> None:
        self.stdout.write(f"  order {message.label}: {message.reason}")
