"""Files of anchors that cannot be read: each is refused in words, none is taken for "no anchors"."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", ["nonsense\n", '{"subject": "order:1"}\n', "[1]\n"])
def test_a_file_that_holds_no_anchors_is_refused_with_the_line(tmp_path, text):
    (tmp_path / "anchors").write_text(text)
    with pytest.raises(CommandError, match=r"Line 1 of .* is no anchor"):
        call_command("verify_events", "--anchors", str(tmp_path / "anchors"), stdout=StringIO())


def test_a_missing_anchor_file_is_named(tmp_path):
    with pytest.raises(CommandError, match="anchors"):
        call_command("verify_events", "--anchors", str(tmp_path / "anchors"), stdout=StringIO())
