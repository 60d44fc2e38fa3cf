"""Translations compile without the gettext programs, and Django reads what was compiled."""

import gettext
import io
import os
from pathlib import Path

import pytest

from mes.supervisor import messages

PO = r"""
# A translator's remark
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: templates/x.html:3
msgid "Complete"
msgstr "Fertig"

msgctxt "verb"
msgid "Open"
msgstr "Öffnen"

msgid "Open"
msgstr "Offen"

#, python-format
msgid "%(n)s order"
msgid_plural "%(n)s orders"
msgstr[0] "%(n)s Auftrag"
msgstr[1] "%(n)s Aufträge"

msgid ""
"Two lines, "
"one \"text\".\n"
msgstr ""
"Zwei Zeilen, "
"ein „Text“.\n"

#, fuzzy
msgid "Guess"
msgstr "Geraten"

msgid "Untranslated"
msgstr ""

#~ msgid "Gone"
#~ msgstr "Weg"
"""


def translations(text: str, tmp_path: Path) -> gettext.GNUTranslations:
    po = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.write_text(text, encoding="utf-8")
    return gettext.GNUTranslations(io.BytesIO(messages.compiled(messages.read(po))))


def test_every_kind_of_entry_is_read_as_gettext_reads_it(tmp_path: Path) -> None:
    german = translations(PO, tmp_path)
    assert german.gettext("Complete") == "Fertig"
    assert german.gettext("Open") == "Offen"
    assert german.pgettext("verb", "Open") == "Öffnen"
    assert german.ngettext("%(n)s order", "%(n)s orders", 1) == "%(n)s Auftrag"
    assert german.ngettext("%(n)s order", "%(n)s orders", 2) == "%(n)s Aufträge"
    assert german.gettext('Two lines, one "text".\n') == "Zwei Zeilen, ein „Text“.\n"
    assert german.gettext("Guess") == "Guess", "what is only a guess is not shown"
    assert german.gettext("Untranslated") == "Untranslated"
    assert german.gettext("Gone") == "Gone"


def test_only_what_changed_is_compiled_again(tmp_path: Path) -> None:
    source, target = tmp_path / "locale", tmp_path / "compiled"
    po = source / "de" / "LC_MESSAGES" / "django.po"
    po.parent.mkdir(parents=True)
    po.write_text(PO, encoding="utf-8")
    assert messages.compile_all(source, target) == 1
    assert messages.compile_all(source, target) == 0
    newer = po.stat().st_mtime + 5
    os.utime(po, (newer, newer))
    assert messages.compile_all(source, target) == 1


@pytest.mark.parametrize("line", ["nonsense", '"a text before any keyword"', "msgid unquoted"])
def test_a_line_that_cannot_be_read_is_named(line: str, tmp_path: Path) -> None:
    with pytest.raises(messages.BadMessages, match=r"django.po:1: "):
        translations(line, tmp_path)
