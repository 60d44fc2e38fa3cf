"""Every code we draw is read back by an independent decoder, from the SVG and from the PDF drawing alike."""

import re
import xml.etree.ElementTree as ET

import pytest
import zxingcpp
from PIL import Image, ImageDraw
from reportlab.graphics.shapes import Drawing, Rect

from mes.kernel.labels import Symbol, code128, datamatrix, qr, to_drawing, to_svg
from mes.kernel.scanning import Kind, ScannedCode, make_address, make_code, parse

SCALE = 4
CODE = make_code(Kind.LOT, "B2291")
LONG = make_code(Kind.OPERATION, "2026-000123.20")
ADDRESS = make_address("https://mes.example", Kind.LOT, "Größe 4/7")


def decoded(image: Image.Image) -> list[tuple[str, str]]:
    return [(str(found.format), found.text) for found in zxingcpp.read_barcodes(image)]


def raster_svg(svg: str) -> Image.Image:
    """Draws the path of the SVG itself, not the symbol it came from."""
    root = ET.fromstring(svg)
    _, _, width, height = (float(number) for number in root.attrib["viewBox"].split())
    image = Image.new("L", (int(width * SCALE), int(height * SCALE)), 128)
    draw = ImageDraw.Draw(image)
    for path in root.iter("{http://www.w3.org/2000/svg}path"):
        colour = {"#fff": 255, "#000": 0}[path.attrib["fill"]]
        if colour == 255:
            draw.rectangle((0, 0, image.width, image.height), fill=255)
            continue
        for x, y, w, h in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z", path.attrib["d"]):
            left, top, right, bottom = int(x), int(y), int(x) + int(w), int(y) + int(h)
            draw.rectangle((left * SCALE, top * SCALE, right * SCALE - 1, bottom * SCALE - 1), fill=0)
    return image


def raster_drawing(drawing: Drawing) -> Image.Image:
    """At 300 dpi, which a label printer has; reportlab measures in points from the bottom left."""
    dots = 300 / 72
    image = Image.new("L", (round(drawing.width * dots), round(drawing.height * dots)), 128)
    draw = ImageDraw.Draw(image)
    for shape in drawing.contents:
        assert isinstance(shape, Rect)
        colour = 255 if shape.fillColor.red else 0
        left, right = shape.x * dots, (shape.x + shape.width) * dots
        bottom, top = image.height - shape.y * dots, image.height - (shape.y + shape.height) * dots
        draw.rectangle((round(left), round(top), round(right) - 1, round(bottom) - 1), fill=colour)
    return image


SYMBOLS = [
    pytest.param(code128(CODE), "Code128", id="code128"),
    pytest.param(code128(LONG), "Code128", id="code128-long"),
    pytest.param(qr(ADDRESS), "QRCode", id="qr"),
    pytest.param(qr(CODE), "QRCode", id="qr-bare"),
    pytest.param(datamatrix(CODE), "DataMatrix", id="datamatrix"),
    pytest.param(datamatrix(LONG), "DataMatrix", id="datamatrix-long"),
]


@pytest.mark.parametrize(("symbol", "kind"), SYMBOLS)
def test_the_svg_is_read_back(symbol: Symbol, kind: str) -> None:
    [(found, text)] = decoded(raster_svg(to_svg(symbol, label=symbol.text)))
    assert text == symbol.text
    assert kind.lower() in found.lower().replace(" ", "")


@pytest.mark.parametrize(("symbol", "kind"), SYMBOLS)
def test_the_drawing_is_read_back_at_the_resolution_of_a_label_printer(symbol: Symbol, kind: str) -> None:
    [(found, text)] = decoded(raster_drawing(to_drawing(symbol)))
    assert text == symbol.text
    assert kind.lower() in found.lower().replace(" ", "")


def test_what_was_drawn_is_what_the_grammar_reads() -> None:
    [(_, text)] = decoded(raster_svg(to_svg(qr(ADDRESS), label="lot")))
    assert parse(text, hosts={"mes.example"}) == ScannedCode(Kind.LOT, "Größe 4/7")


def test_the_label_of_a_picture_is_escaped_and_there_is_no_inline_style() -> None:
    svg = to_svg(code128("A"), label='<script>"x"</script>')
    assert "<script>" not in svg
    assert "style=" not in svg


@pytest.mark.parametrize("draw", [code128, datamatrix])
def test_letters_beyond_ascii_are_refused_where_the_symbol_cannot_carry_them(draw: object) -> None:
    for text in ("", "Größe"):
        with pytest.raises(ValueError, match="ASCII"):
            draw(text)  # type: ignore[operator]


def test_quiet_zones_are_as_wide_as_the_standards_ask() -> None:
    assert (code128("A").quiet, qr("A").quiet, datamatrix("A").quiet) == (10, 4, 2)
