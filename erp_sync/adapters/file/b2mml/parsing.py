"""Turns bytes into a checked XML tree: no document types, no entities, bounded in size and depth, valid by its schema.

The schemas in `xsd/` are MESA International's, under their own licence, which lies beside them.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from erp_sync.adapters.file.documents import NotTaken, text_of

V7 = "http://www.mesa.org/xml/B2MML"
V0401 = "http://www.wbf.org/xml/B2MML-V0401"
MOST_DEPTH = 40
_HERE = Path(__file__).parent / "xsd"
_SCHEMAS = {
    "OperationsSchedule": "B2MML-OperationsSchedule.xsd",
    "OperationsPerformance": "B2MML-OperationsPerformance.xsd",
    "Material": "B2MML-Material.xsd",
}
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ADVICE = "Write the document in UTF-8 and send it under a new name."

Element = Any
"""An element of lxml, which brings no types of its own."""


def parse(content: bytes) -> Element:
    """The root of a well-formed, harmless document of B2MML. Raises `NotTaken`."""
    text = _decoded(content)
    if not text.strip():
        raise NotTaken("The file is empty. Send the whole document again.")
    kind = re.search(r"<!(DOCTYPE|ENTITY)", text)
    if kind is not None:
        line = text[: kind.start()].count("\n") + 1
        raise NotTaken(
            f"Line {line} begins a document type ({kind[0]}), which may hide entities. Send the document without it."
        )
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(_DECLARATION.sub("", text, count=1).encode(), parser)
    except etree.XMLSyntaxError as error:
        line, _column = error.position
        raise NotTaken(
            f"Line {line} is no well-formed XML ({error.msg}); the file may be cut off. Send the whole document again."
        ) from error
    _require_shallow(root)
    return root


def _decoded(content: bytes) -> str:
    """The text by its mark or its declaration; what is neither is taken for UTF-8."""
    declared = _DECLARED.match(content[:200])
    name = declared[1].decode().lower() if declared else "utf-8"
    if name in ("utf-8", "utf-16", "us-ascii", "ascii"):
        return text_of(content, _ADVICE)
    if name in ("iso-8859-1", "iso-8859-15", "windows-1252"):
        try:
            return content.decode(name)
        except UnicodeDecodeError as error:
            raise NotTaken(f"The document is not in the encoding {name} that it declares. {_ADVICE}") from error
    raise NotTaken(f"The document declares the encoding {name}, which is not read. {_ADVICE}")


def _require_shallow(root: Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MOST_DEPTH:
            raise NotTaken(
                f"Line {element.sourceline} is nested more than {MOST_DEPTH} levels deep, which no B2MML document "
                "needs. Check the document and send it again."
            )


def require_valid(root: Element, noun: str) -> None:
    """Version 7 is held against its schema; of older versions there is none to hold them against."""
    if not isinstance(root.tag, str) or etree.QName(root).namespace != V7:
        return
    complaint = complaint_of(root, noun)
    if complaint:
        raise NotTaken(f"{complaint} Correct what writes the document and send it again.")


def complaint_of(root: Element, noun: str) -> str:
    """The first thing that makes the document invalid by its schema, as a sentence; empty when it is valid."""
    found = schema(noun)
    if found.validate(root):
        return ""
    error = found.error_log[0]
    what = error.message.replace(f"{{{V7}}}", "").rstrip(".")
    return f"Line {error.line} is not valid B2MML: {what}."


@cache
def schema(noun: str) -> Any:
    """The compiled schema of a noun; compiling takes some 35 ms."""
    return etree.XMLSchema(etree.parse(_HERE / _SCHEMAS[noun]))


def name_of(element: Element) -> str:
    """The name without its namespace; empty for anything that is no element."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: Element, *names: str) -> list[Element]:
    return [child for child in element if name_of(child) in names]


def child(element: Element, *path: str) -> Element | None:
    """The first element down PATH."""
    for name in path:
        found = children(element, name)
        if not found:
            return None
        element = found[0]
    return element


def said(element: Element, *path: str) -> str:
    """The text of the first element down PATH, without the blanks around it."""
    found = child(element, *path)
    return "" if found is None else " ".join((found.text or "").split())
