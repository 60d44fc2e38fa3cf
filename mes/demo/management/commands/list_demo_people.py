"""`manage.py list_demo_people`: who can sign in to the demo plant, and how."""

from typing import Any

from django.core.management.base import BaseCommand

from mes.accounts.models import Badge, User
from mes.demo import catalog
from mes.kernel.scanning import Kind, make_code


class Command(BaseCommand):
    help = "Prints the demo people with role, badge and PIN or password. Prints nothing without demo data."

    def handle(self, *args: Any, **options: Any) -> None:
        users = {user.username: user for user in User.objects.filter(is_demo=True, is_active=True)}
        badges = dict(Badge.objects.filter(revoked_at__isnull=True).values_list("user_id", "code"))
        pins = {username: pin for username, _name, _role, _badge, pin, _centers in catalog.FLOOR}
        for username, name, role, _badge in catalog.OFFICE:
            if username in users:
                badge = make_code(Kind.BADGE, badges[users[username].pk])
                line = f"{role:<11}{name:<15}user {username:<12}password {catalog.OFFICE_PASSWORD:<6}"
                self.stdout.write(f"{line}badge {badge}  PIN {catalog.OFFICE_PIN}")
        for username, name, role, _badge, _pin, centers in catalog.FLOOR:
            if username in users:
                badge = make_code(Kind.BADGE, badges[users[username].pk])
                self.stdout.write(f"{role:<11}{name:<15}badge {badge}  PIN {pins[username]}  {', '.join(centers)}")
