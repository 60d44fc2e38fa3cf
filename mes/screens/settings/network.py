"""How terminals reach this server: over HTTP or HTTPS, what plain HTTP loses, and the certificate to be trusted."""

import hashlib
import ssl
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from mes.accounts.policies import allows, open_to
from mes.screens.settings.frame import page

CERTIFICATE = "/trust/mes-root.crt"


def root_file() -> Path | None:
    """The root certificate of the local authority that `--tls` made, where this server uses one."""
    path = Path(settings.VAR_DIR) / "tls" / "root.pem"
    return path if settings.SESSION_COOKIE_SECURE and path.is_file() else None


def _fingerprint(path: Path) -> str:
    """The SHA-256 of the certificate, as browsers show it."""
    der = ssl.PEM_cert_to_DER_cert(path.read_text(encoding="ascii"))
    digest = hashlib.sha256(der).hexdigest().upper()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


@allows("view_settings")
@require_safe
def network_page(request: HttpRequest) -> HttpResponse:
    """What the connection of this very request can do, and what to do about the rest."""
    root = root_file()
    host = request.get_host()
    context = {
        "is_secure": request.is_secure(),
        "is_local": host.rpartition(":")[0].strip("[]") in ("127.0.0.1", "localhost", "::1"),
        "address": f"{request.scheme}://{host}/t/setup/",
        "certificate": CERTIFICATE if root else "",
        "trust_address": f"{request.scheme}://{host}{CERTIFICATE}",
        "fingerprint": _fingerprint(root) if root else "",
    }
    return page(request, "desk/settings/network.html", context)


@open_to("everybody: a certificate is public, and a terminal needs it before anybody can sign in there")
@require_safe
def root_certificate(_request: HttpRequest) -> HttpResponse:
    """The root certificate as a file that phones, tablets and computers offer to install."""
    root = root_file()
    if root is None:
        raise Http404
    answer = HttpResponse(root.read_bytes(), content_type="application/x-x509-ca-cert")
    answer["Content-Disposition"] = 'attachment; filename="mes-root.crt"'
    return answer
