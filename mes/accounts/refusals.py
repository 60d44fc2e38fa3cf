"""Refusals about people, badges and terminals. The registry itself is in the kernel."""

from django.utils.translation import gettext_lazy as _

from mes.kernel.errors import declare

declare(
    "badge_unknown",
    "forbidden",
    _("The badge {badge} is not known here, or its holder has left."),
    _("Try again; if it stays unknown, ask the supervisor for a new badge."),
)
declare(
    "pin_wrong",
    "forbidden",
    _("The PIN does not match this badge. {left} tries are left."),
    _("Enter the PIN again, or ask the supervisor to reset it."),
)
declare(
    "pin_locked",
    "forbidden",
    _("This badge is locked after too many wrong PINs, until {until}."),
    _("Wait, or ask the supervisor to unlock it."),
    _("Supervisor"),
)
declare(
    "pairing_code_wrong",
    "invalid",
    _("This pairing code is not valid."),
    _("Ask for a new code at Settings, Terminals; it lives ten minutes."),
)
declare(
    "password_wrong",
    "forbidden",
    _("User name and password do not fit together."),
    _("Try again; after {left} more wrong tries there is a pause of ten minutes."),
    _("System administrator, by setting a new password"),
)
declare(
    "sign_in_locked",
    "slow_down",
    _("There were too many wrong passwords."),
    _("Try again after {until}."),
)
declare(
    "not_oneself",
    "not_allowed",
    _("Nobody can deactivate their own account."),
    _("Ask another administrator."),
)
declare(
    "person_inactive",
    "not_allowed",
    _("{name} is deactivated and can sign in nowhere."),
    _("Reactivate the account first; that issues a new badge."),
)
declare(
    "own_role",
    "not_allowed",
    _("Nobody can change their own role."),
    _("Ask another administrator."),
)
declare(
    "last_admin",
    "not_allowed",
    _("{name} is the last active system administrator of this plant."),
    _("Make somebody else a system administrator first."),
)
