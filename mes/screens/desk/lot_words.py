"""A lot's movements in words: what moved, by how much, by whom. Its events are in `timeline.py`."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from mes.kernel.actors import MACHINE, SERVICE, SYSTEM
from mes.screens.desk.words import MOVEMENTS
from traceability.models import MaterialMovement

_NOBODY: dict[str, StrOrPromise] = {
    SERVICE: gettext_lazy("another system"),
    MACHINE: gettext_lazy("a machine"),
    SYSTEM: gettext_lazy("this system"),
}


def who_moved(row: MaterialMovement) -> str:
    return str(row.person) if row.person else str(_NOBODY.get(row.actor_kind, row.actor_kind))


def what_moved(row: MaterialMovement) -> str:
    """The kind of a movement; one that takes another back says so."""
    word = str(MOVEMENTS.get(row.kind, row.kind))
    return _("{what}, taken back").format(what=word) if row.reverses_id else word
