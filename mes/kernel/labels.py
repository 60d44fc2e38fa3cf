"""Code 128, QR and DataMatrix as pictures: SVG for pages, drawings for PDFs. What they say is decided in scanning."""

from collections.abc import Iterator
from dataclasses import dataclass

import barcode
import segno
from django.utils.html import format_html
from django.utils.safestring import SafeString
from ppf.datamatrix import DataMatrix
from reportlab.graphics.shapes import Drawing, Rect
from reportlab.lib.colors import black, white
from reportlab.lib.units import mm

# The narrowest bar, in millimetres, that a 203 dpi printer draws and a hand scanner reads at arm's length.
MODULE_MM = 0.375


@dataclass(frozen=True, slots=True)
class Symbol:
    """A code as rows of modules, `1` dark. A linear code has one row, which is drawn `height` modules high."""

    text: str
    rows: tuple[str, ...]
    quiet: int
    height: int = 1

    @property
    def columns(self) -> int:
        return len(self.rows[0]) + 2 * self.quiet

    @property
    def lines(self) -> int:
        return len(self.rows) * self.height + 2 * self.quiet

    def bars(self) -> Iterator[tuple[int, int, int, int]]:
        """Every dark run as (x, y, width, height) in modules from the top left, quiet zone included."""
        for index, row in enumerate(self.rows):
            start = 0
            while (start := row.find("1", start)) >= 0:
                end = row.find("0", start)
                end = len(row) if end < 0 else end
                yield start + self.quiet, index * self.height + self.quiet, end - start, self.height
                start = end


def code128(text: str, *, height: int = 32) -> Symbol:
    """The linear code every wedge scanner reads; ASCII only. Raises ValueError for other characters."""
    if not text or not text.isascii():
        raise ValueError(f"Code 128 carries ASCII only, not {text!r}.")
    return Symbol(text, tuple(barcode.get("code128", text).build()), quiet=10, height=height)


def qr(text: str) -> Symbol:
    """The square code that telephones open. Any text; error correction level M."""
    matrix = segno.make(text, error="m", micro=False).matrix
    return Symbol(text, tuple("".join(str(module & 1) for module in row) for row in matrix), quiet=4)


def datamatrix(text: str) -> Symbol:
    """The small square code for parts and labels; ASCII only. Raises ValueError for other characters."""
    if not text or not text.isascii():
        raise ValueError(f"DataMatrix carries ASCII only, not {text!r}.")
    return Symbol(text, tuple("".join(str(module) for module in row) for row in DataMatrix(text).matrix), quiet=2)


def to_svg(symbol: Symbol, *, label: str, module: float = MODULE_MM) -> SafeString:
    """The symbol as an SVG element, black on white in every theme. `label` is what a screen reader says."""
    return format_html(
        '<svg class="mes-code" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{}" width="{}mm" height="{}mm"'
        ' viewBox="0 0 {} {}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{}v{}H0z"/>'
        '<path fill="#000" d="{}"/></svg>',
        label,
        f"{symbol.columns * module:g}",
        f"{symbol.lines * module:g}",
        symbol.columns,
        symbol.lines,
        symbol.columns,
        symbol.lines,
        "".join(f"M{x} {y}h{width}v{height}h-{width}z" for x, y, width, height in symbol.bars()),
    )


def to_drawing(symbol: Symbol, *, module: float = MODULE_MM) -> Drawing:
    """The symbol as a reportlab drawing of its real size, quiet zone included."""
    unit = module * mm
    drawing = Drawing(symbol.columns * unit, symbol.lines * unit)
    drawing.add(Rect(0, 0, drawing.width, drawing.height, fillColor=white, strokeColor=None))
    for x, y, width, height in symbol.bars():
        top = (symbol.lines - y - height) * unit
        drawing.add(Rect(x * unit, top, width * unit, height * unit, fillColor=black, strokeColor=None))
    return drawing
