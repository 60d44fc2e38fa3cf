"""Every component once, for those who build pages. Shows no data of the plant."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from mes.accounts.policies import open_to
from mes.kernel import labels
from mes.kernel.scanning import Kind, make_address, make_code


@open_to("everybody in development, administrators elsewhere; the view checks")
def styleguide(request: HttpRequest) -> HttpResponse:
    role = getattr(request.user, "role", "")
    if not settings.DEBUG and role != "admin":
        raise Http404
    lot = make_code(Kind.LOT, "B-2307")
    return render(
        request,
        "screens/styleguide.html",
        {
            "slacks": [(-29, -60, "−1.2 d"), (-9, -14, "−9 h"), (2, -1, "+2 h"), (6, 3, "+6 h"), (40, 30, "+1.7 d")],
            "reasons": [(1, "Rim crack", 12), (2, "Porosity", 9), (3, "Wrong depth", 4), (4, "Handling", 2)],
            "id": "B-2307 0O1lI",
            "codes": [
                labels.to_svg(labels.code128(lot), label=lot),
                labels.to_svg(
                    labels.qr(make_address("https://mes.example", Kind.LOT, "B-2307")), label=lot, module=0.6
                ),
                labels.to_svg(labels.datamatrix(lot), label=lot, module=0.6),
            ],
        },
    )
