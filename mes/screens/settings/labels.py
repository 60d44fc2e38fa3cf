"""A badge as a PDF of the size of a bank card: name, plant, and the bar code that a hand scanner reads."""

from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from mes.kernel import labels

#: ISO/IEC 7810 ID-1, in millimetres.
WIDTH, HEIGHT = 85.6, 54.0
EDGE = 5.0
#: Letters that the built-in fonts of a PDF can draw; others need the page that is printed from the browser.
_FONT_ENCODING = "cp1252"


def badge_pdf(name: str, plant: str, code: str) -> bytes:
    """One page with NAME, PLANT and CODE as Code 128. Letters the card's font lacks are shown as question marks."""
    canvas = Canvas("", pagesize=(WIDTH * mm, HEIGHT * mm), pageCompression=0)
    canvas.setTitle("Badge")
    _text(canvas, plant, 44, 9, "Helvetica")
    _text(canvas, name, 35, 15, "Helvetica-Bold")
    symbol = labels.code128(code, height=40)
    module = min(labels.MODULE_MM, (WIDTH - 2) / symbol.columns)
    drawing = labels.to_drawing(symbol, module=module)
    drawing.drawOn(canvas, (WIDTH * mm - drawing.width) / 2, 9 * mm)
    canvas.setFont("Courier", 9)
    canvas.drawCentredString(WIDTH / 2 * mm, 5 * mm, code)
    canvas.showPage()
    return bytes(canvas.getpdfdata())


def _text(canvas: Canvas, text: str, height: float, size: float, font: str) -> None:
    """One line, made smaller until it fits between the edges."""
    text = text.encode(_FONT_ENCODING, "replace").decode(_FONT_ENCODING)
    room = (WIDTH - 2 * EDGE) * mm
    while size > 5 and stringWidth(text, font, size) > room:
        size -= 0.5
    while text and stringWidth(text, font, size) > room:
        text = text[:-1]
    canvas.setFont(font, size)
    canvas.drawString(EDGE * mm, height * mm, text)
