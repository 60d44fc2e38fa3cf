"""The fence around templates: each text goes through translation, nothing is inline that the browser would refuse."""

import re
from collections.abc import Iterable
from pathlib import Path

from tests.architecture.sources import ROOT, named, none_of

_COMMENT = re.compile(r"{% comment\b.*?{% endcomment %}|{#.*?#}|<!--.*?-->", re.S)
_TRANSLATED = re.compile(r"{% blocktrans(?:late)?\b.*?{% endblocktrans(?:late)? %}", re.S)
# By our convention these blocks fill an attribute of a parent, not a text.
_ATTRIBUTE = re.compile(r"{% block (?:density|\w+_attributes) %}.*?{% endblock[^%]*%}", re.S)
_TAG = re.compile(r"{%.*?%}|{{.*?}}", re.S)
_CODE = re.compile(r"<(script|style|code|kbd|svg|math)\b[^>]*>.*?</\1>", re.S | re.I)
_ELEMENT = re.compile(r"<[^>]*>", re.S)
_SPOKEN = re.compile(r"""\b(title|alt|placeholder|aria-label|aria-description|summary|label)\s*=\s*("[^"]*"|'[^']*')""")
_WORD = re.compile(r"[^\W\d_]{2,}")
_ENTITY = re.compile(r"&#?\w+;")
_INLINE = re.compile(
    r"""\s(style|on[a-z]+|hx-on(?:[:-][\w:-]+)?)\s*=|<script(?![^>]*\bsrc=)|<style\b|javascript:""", re.I
)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def bare_words(text: str) -> list[tuple[int, str]]:
    """Words a reader would see or hear that no translation has touched, with their lines."""
    for pattern in (_COMMENT, _TRANSLATED, _ATTRIBUTE, _TAG):
        text = pattern.sub(_blank, text)
    found = []
    for match in _SPOKEN.finditer(text):
        if _WORD.search(_ENTITY.sub(" ", match[2])):
            found.append((text.count("\n", 0, match.start()) + 1, match[0]))
    for pattern in (_CODE, _ELEMENT):
        text = pattern.sub(_blank, text)
    for number, line in enumerate(text.splitlines(), 1):
        words = _WORD.findall(_ENTITY.sub(" ", line))
        if words:
            found.append((number, " ".join(words)))
    return sorted(found)


def inline(text: str) -> list[tuple[int, str]]:
    """Inline script, style or handler: the browser refuses them, so they never work."""
    text = _COMMENT.sub(_blank, text)
    return [(text.count("\n", 0, match.start()) + 1, match[0].strip()) for match in _INLINE.finditer(text)]


def templates() -> Iterable[Path]:
    return sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})


def test_every_text_goes_through_translation() -> None:
    none_of(
        f"{named(path)}:{line} {words}" for path in templates() for line, words in bare_words(path.read_text("utf-8"))
    )


def test_nothing_is_inline() -> None:
    none_of(f"{named(path)}:{line} {what}" for path in templates() for line, what in inline(path.read_text("utf-8")))


_BAD = """{% comment %} Words in a comment {% endcomment %}
<h1>Open orders</h1>
<p>{% translate "Fine" %} 12 · {{ order.number }} &nbsp; kg</p>
<img alt="A pump" src="x.png"><img alt="" src="x"><input placeholder="{% translate 'Find' %}">
<p>{% blocktranslate with n=3 %}All
good {{ n }}{% endblocktranslate %}</p>
<button aria-label="Close">×</button>
{% block density %}terminal{% endblock %}<code>LOT-1</code> <a href="/words/in/an/address/">{{ name }}</a>
<p style="color: red" onclick="go()" hx-on:click="go()"></p>
<script>alert(1)</script><script src="x.js"></script>
"""


def test_these_fences_would_fail_and_spare_what_is_right() -> None:
    assert bare_words(_BAD) == [
        (2, "Open orders"),
        (3, "kg"),
        (4, 'alt="A pump"'),
        (7, 'aria-label="Close"'),
    ]
    assert [what for _line, what in inline(_BAD)] == ["style=", "onclick=", "hx-on:click=", "<script"]
