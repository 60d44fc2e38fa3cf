"""Who may come in: people, their badges, enrolled terminals and the tokens of other systems.

Sites and work centers live above this app, so they appear here as plain ids; `check_invariants` proves that they exist.
"""

import hashlib
import secrets
from typing import Any, ClassVar

import pghistory
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from mes.kernel.transitions import history, keep_rows

ROLES = [
    ("operator", _("Operator")),
    ("lead", _("Lead")),
    ("supervisor", _("Supervisor")),
    ("quality", _("Quality engineer")),
    ("planner", _("Planner")),
    ("erp", _("ERP administrator")),
    ("admin", _("System administrator")),
    ("auditor", _("Auditor")),
]


def digest_of(secret: str) -> str:
    """How tokens and badge codes are stored: they are long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


class UserManager(BaseUserManager["User"]):
    """Creation of people; rights come from the role alone."""

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


@pghistory.track(
    pghistory.InsertEvent(),
    pghistory.UpdateEvent(),
    context_field=pghistory.ContextJSONField(),
    exclude=["password", "pin", "last_login"],
    append_only=True,
    meta=history("user_history"),
)
class User(AbstractBaseUser):
    """A person. Never deleted, only deactivated; the PIN proves at a terminal what the badge claims."""

    username = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=12, choices=ROLES)
    site_id = models.BigIntegerField()
    language = models.CharField(max_length=5, default="en")
    pin = models.CharField(max_length=200, blank=True)
    failed_pins = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name", "role"]
    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=[code for code, _label in ROLES]), name="user_role"),
        ]
        triggers = keep_rows("user")

    def __str__(self) -> str:
        return self.name or self.username


class Badge(models.Model):
    """A card with a random code, never an employee number. Revoked badges stay, so that a code is never reused."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="badges")
    code = models.CharField(max_length=40, unique=True)
    issued_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(revoked_at__isnull=True), name="badge_one_open"
            ),
        ]
        triggers = keep_rows("badge")

    def __str__(self) -> str:
        return self.code


class Terminal(models.Model):
    """An enrolled browser on the floor. Its token is shown once to that browser and stored as a hash."""

    site_id = models.BigIntegerField()
    work_center_id = models.BigIntegerField()
    name = models.CharField(max_length=60)
    token = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001 - null until paired; unique
    pairing_code = models.CharField(max_length=12, blank=True)
    pairing_until = models.DateTimeField(null=True)
    millimetre = models.DecimalField(max_digits=3, decimal_places=1, default=5)
    theme = models.CharField(max_length=10, default="light")
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", null=True)
    enrolled_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pairing_code"], condition=~models.Q(pairing_code=""), name="terminal_pairing_code"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """The right of another system to call the API in one role at one site. Only the hash of the token is kept."""

    name = models.CharField(max_length=60)
    role = models.CharField(max_length=12, choices=ROLES)
    site_id = models.BigIntegerField()
    token = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=[code for code, _label in ROLES]), name="token_role"),
        ]

    def __str__(self) -> str:
        return self.name


class SignInFailure(models.Model):
    """Wrong passwords for one user name from one address, and until when no more are taken. Deleted when it is over."""

    username = models.CharField(max_length=60)
    address = models.CharField(max_length=45)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["username", "address"], name="sign_in_failure_once")]
        indexes = [models.Index(fields=["last_at"], name="sign_in_failure_last")]

    def __str__(self) -> str:
        return f"{self.username} {self.failures}"


def new_token() -> str:
    """A token with 256 random bits and a prefix that secret scanners recognise."""
    return f"mes_{secrets.token_urlsafe(32)}"
