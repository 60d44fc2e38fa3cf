"""Human numbers and codes as they stand in paths, files and on labels. Barcodes are read in `scanning.py`."""

import unicodedata

from django.utils.translation import gettext as _

from mes.kernel.errors import Refused

LENGTH = 64


def require_number(value: str, field: str) -> str:
    """VALUE if it is a human number: NFC, 1 to 64 characters, no control or format characters, no leading tilde.

    Raises `invalid` with what is wrong; nothing is corrected silently.
    """
    why = ""
    if not 1 <= len(value) <= LENGTH:
        why = _("1 to {limit} characters are needed").format(limit=LENGTH)
    elif unicodedata.normalize("NFC", value) != value:
        why = _("the text must be in Unicode's composed form (NFC)")
    elif any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in value):
        why = _("control characters are not allowed")
    elif value.startswith("~"):
        why = _("a number must not begin with a tilde")
    elif value != value.strip():
        why = _("spaces at the beginning or the end are not allowed")
    if why:
        raise Refused("invalid", field=field, why=why)
    return value
