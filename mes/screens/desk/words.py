"""States and kinds as people read them: the word, and the sign that goes with it."""

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

#: State → (sign of the chip, word).
ORDER_STATES: dict[str, tuple[str, StrOrPromise]] = {
    "RECEIVED": ("risk", _("not ready")),
    "PLANNED": ("plain", _("planned")),
    "RELEASED": ("queued", _("released")),
    "RUNNING": ("run", _("running")),
    "DONE": ("done", _("done")),
    "CLOSED": ("done", _("closed")),
    "CANCELLED": ("plain", _("cancelled")),
}
OPERATION_STATES: dict[str, tuple[str, StrOrPromise]] = {
    "WAITING": ("wait", _("waiting")),
    "READY": ("queued", _("ready")),
    "SETUP": ("setup", _("set-up")),
    "RUNNING": ("run", _("running")),
    "SUSPENDED": ("idle", _("interrupted")),
    "COMPLETED": ("done", _("done")),
    "SKIPPED": ("plain", _("skipped")),
    "CANCELLED": ("plain", _("cancelled")),
}
LOT_STATES: dict[str, tuple[str, StrOrPromise]] = {
    "PLANNED": ("plain", _("planned")),
    "IN_PROCESS": ("run", _("being made")),
    "AVAILABLE": ("ok", _("available")),
    "CLOSED": ("done", _("closed")),
}
SOURCES: dict[str, StrOrPromise] = {
    "manual": _("keyed in"),
    "api": _("by the API"),
    "erp": _("by the ERP"),
    "demo": _("by the demo"),
    "file": _("by a file"),
}
MOVEMENTS: dict[str, StrOrPromise] = {
    "RECEIVE": _("received"),
    "CONSUME": _("used"),
    "OUTPUT": _("made"),
    "ADJUST": _("adjusted"),
    "TRANSFER": _("moved"),
}
#: Which roles may do what, in a sentence, is read from the matrix; these are the roles' names.
ROLES: dict[str, StrOrPromise] = {
    "operator": _("operator"),
    "lead": _("lead"),
    "supervisor": _("supervisor"),
    "quality": _("quality engineer"),
    "planner": _("planner"),
    "erp": _("ERP administrator"),
    "admin": _("system administrator"),
    "auditor": _("auditor"),
}
