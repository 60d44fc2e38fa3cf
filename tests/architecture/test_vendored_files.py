"""Files of others stay the published files: the hashes in the list, a licence beside each, nothing unlisted."""

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^\| `(?P<path>[^`]+)` \|.*\| `(?P<hash>[0-9a-f]{64})` \|$", re.M)
LIST = (ROOT / "static/vendor/README.md").read_text("utf-8")
LISTED = {match["path"]: match["hash"] for match in LINE.finditer(LIST)}
OURS = {"README.md", "tabler.min.css.map"}


@pytest.mark.parametrize("path", LISTED)
def test_a_vendored_file_is_the_published_one(path: str) -> None:
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == LISTED[path]


def test_every_vendored_file_is_listed_and_has_a_licence_beside_it() -> None:
    for folder in ("static/vendor", "static/fonts", "tests/vendor"):
        for file in (ROOT / folder).rglob("*"):
            if file.is_dir() or file.name in OURS:
                continue
            is_licence = file.name.startswith(("LICENSE", "OFL-"))
            assert is_licence or str(file.relative_to(ROOT)) in LISTED, file
            assert any(other.name.startswith(("LICENSE", "OFL-")) for other in file.parent.iterdir()), file
